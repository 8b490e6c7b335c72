/** Rows of what only old versions have. */

import { type DhParams, readDhParameter } from '../values/crypto/dh-parameter.js';
import { bitLength } from '../values/crypto/key-encoding.js';
import type { ProtocolVersion } from '../values/registry/versions.js';
import { Secret } from '../values/secret.js';
import { badValue } from './option-error.js';
import { asItIs, type CoreOption, fileName, flag, isList, type Option, oneOf, untold } from './row.js';

/** How a send under TLS 1.0 and a block cipher begins, so that nobody can choose what stands behind a known IV (BEAST). */
export type BeastMitigation = 'one_n_minus_one' | 'zero_n' | 'disabled';

const manual = 'ssl:common_option()';

const olderVersions: readonly ProtocolVersion[] = ['tlsv1', 'tlsv1.1', 'tlsv1.2'];

/** Who a client is for servers with SRP; both in UTF-8. */
interface SrpIdentity {
  readonly username: Uint8Array;
  readonly password: Secret;
}

/** bits of the prime of `dh`: smaller ones are broken by anybody (Logjam), larger ones hold everybody up. */
const leastBits = 1024;
const mostBits = 8192;

export class OlderRows {
  /** `padding_check` (TLS 1.0): false takes a padding by its length alone, as some old peers write it. */
  readonly paddingCheck: CoreOption<'both', boolean> = {
    otp: 'padding_check',
    side: 'both',
    needsVersions: ['tlsv1'],
    default: true,
    core: true,
    tell: asItIs,
    note: { values: 'boolean; false lets POODLE in', default: 'true', source: manual },
    parse: flag('paddingCheck'),
  };

  /** `beast_mitigation` (TLS 1.0): how a send under a block cipher begins. */
  readonly beastMitigation: CoreOption<'both', BeastMitigation> = {
    otp: 'beast_mitigation',
    side: 'both',
    needsVersions: ['tlsv1'],
    default: 'one_n_minus_one',
    core: true,
    tell: asItIs,
    note: {
      values: 'one_n_minus_one: a record of 1 byte goes first; zero_n: an empty one; disabled',
      default: 'one_n_minus_one',
      source: manual,
    },
    parse: oneOf('beastMitigation', 'one_n_minus_one', 'zero_n', 'disabled'),
  };

  /** `dh` (TLS 1.2 and before): the group of finite-field Diffie-Hellman; goes before `dhfile`. */
  readonly dh: Option<'server', Uint8Array, DhParams | undefined, undefined> = {
    otp: 'dh',
    side: 'server',
    default: undefined,
    tell: untold,
    note: {
      values: `DER DHParameter, a prime of ${leastBits}..${mostBits} bits; whether it is one is not looked at`,
      default: 'group 14 of RFC 3526, 2048 bits',
      source: 'ssl:server_option(), PKCS #3 §9',
    },
    parse: (value) => (value instanceof Uint8Array ? dhGroup(value) : undefined) ?? badValue('dh', value),
  };

  /** `dhfile` (TLS 1.2 and before): path of a PEM file with DH PARAMETERS. */
  readonly dhfile: Option<'server', string | Uint8Array, string | undefined> = {
    otp: 'dhfile',
    side: 'server',
    default: undefined,
    tell: asItIs,
    note: { values: 'path of PEM', default: 'none', source: 'ssl:server_option()' },
    parse: (value) => fileName('dhfile', value),
  };

  /** `srp_identity` (TLS 1.2 and before): who a client is, and its password. */
  readonly srpIdentity: CoreOption<
    'client',
    readonly [username: string, password: string],
    SrpIdentity | undefined,
    undefined
  > = {
    otp: 'srp_identity',
    side: 'client',
    needsVersions: olderVersions,
    default: undefined,
    core: true,
    kept: 'secret',
    tell: untold,
    note: {
      values: '[username of 1..255 bytes, password]; needs a suite with SRP among ciphers',
      default: 'none',
      source: 'ssl:client_option(), RFC 5054',
    },
    parse: (value) => srpIdentity(value) ?? badValue('srpIdentity', typeof value),
  };
}

/** A group that `dh` and `dhfile` may name. */
export function dhGroup(der: Uint8Array): DhParams | undefined {
  const params = readDhParameter(der);
  if (params === undefined) return undefined;
  const { prime, generator } = params;
  const bits = bitLength(prime);
  const odd = ((prime.at(-1) ?? 0) & 1) === 1;
  const above = generator.length > 1 || (generator[0] ?? 0) > 1;
  const fits = bits >= leastBits && bits <= mostBits && odd && above && generator.length <= prime.length;
  return fits ? params : undefined;
}

function srpIdentity(value: unknown): SrpIdentity | undefined {
  if (!isList(value) || value.length !== 2) return undefined;
  const [username, password] = value;
  if (typeof username !== 'string' || typeof password !== 'string') return undefined;
  const encoder = new TextEncoder();
  const name = encoder.encode(username);
  return name.length === 0 || name.length > 255
    ? undefined
    : { username: name, password: new Secret(encoder.encode(password)) };
}
