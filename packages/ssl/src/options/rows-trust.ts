/** Rows of what the peer has to show (contract §2.1–2.3, §7). */

import type { HostnameCheckHooks } from '../values/x509/hostname.js';
import { defaultMinKeySize, leastMinKeySize } from '../values/x509/key-strength.js';
import type { PartialChain, Verify } from '../values/x509/peer-verification.js';
import type { VerifyFun } from '../values/x509/verify-fun.js';
import { pemCertificates } from './der-forms.js';
import { badValue, OptionError } from './option-error.js';
import { asItIs, type CoreOption, fileName, flag, integer, isList, type Option, untold } from './row.js';
import type { Settings } from './rows.js';

const manual = 'ssl:common_option()';

type VerifyFunPair = readonly [fun: VerifyFun, state: unknown];

interface FunAndState {
  readonly fun: VerifyFun;
  readonly state: unknown;
}

/** Decided before `versions` when absent, as in OTP: then `verify` of the same call is looked at a pass later. */
export class VerifyRows {
  /** `verify`: default `verify_peer` on a client, `verify_none` on a server. */
  readonly verify: CoreOption<'both', Verify> = {
    otp: 'verify',
    side: 'both',
    after: ['versions', 'failIfNoPeerCert', 'partialChain'],
    default: 'verify_none',
    core: true,
    tell: asItIs,
    note: {
      values: 'verify_none, verify_peer',
      default: 'client verify_peer, server verify_none',
      source: 'ssl:client_option(); the default is that of OTP 26',
    },
    parse: (value, at) => {
      if (value !== 'verify_none' && value !== 'verify_peer') return badValue('verify', value);
      return verified(value, at.settings);
    },
    absent: (at) => (at.role === 'client' ? 'verify_peer' : verified('verify_none', at.settings)),
  };

  /** `verify_fun`: a function, or it and its first state. */
  readonly verifyFun: CoreOption<
    'both',
    VerifyFun | VerifyFunPair,
    FunAndState | undefined,
    VerifyFunPair | undefined
  > = {
    otp: 'verify_fun',
    side: 'both',
    after: ['versions', 'verify'],
    default: undefined,
    core: true,
    tell: (wish) => wish && ([wish.fun, wish.state] as const),
    kept: 'live',
    note: { values: 'function, or [function, state]', default: 'none', source: manual },
    parse: (value) => {
      if (isVerifyFun(value)) return { fun: value, state: undefined };
      if (!isList(value) || value.length !== 2) return badValue('verifyFun', value);
      const [fun, state] = value;
      return isVerifyFun(fun) ? { fun, state } : badValue('verifyFun', value);
    },
  };
}

function isVerifyFun(value: unknown): value is VerifyFun {
  return typeof value === 'function';
}

function verified(verify: Settings['verify'], settings: Settings): Settings['verify'] {
  if (verify === 'verify_none' && settings.failIfNoPeerCert)
    throw new OptionError({ options: ['incompatible', { verify }, { failIfNoPeerCert: true }] });
  return verify;
}

type TrustedCertificates = readonly Uint8Array[] | 'system' | 'bundled';

export class TrustRows {
  /** `fail_if_no_peer_cert`: default false; needs `verify_peer`. */
  readonly failIfNoPeerCert: CoreOption<'server', boolean> = {
    otp: 'fail_if_no_peer_cert',
    side: 'server',
    default: false,
    core: true,
    tell: asItIs,
    note: { values: 'boolean; needs verify_peer', default: 'false', source: 'ssl:server_option()' },
    parse: flag('failIfNoPeerCert'),
  };

  /** `cacerts`: trusted certificates in DER; goes before `cacertfile`. `'system'`, `'bundled'` and PEM are ours. */
  readonly cacerts: CoreOption<
    'both',
    readonly (Uint8Array | string)[] | string,
    TrustedCertificates | undefined,
    undefined
  > = {
    otp: 'cacerts',
    side: 'both',
    default: undefined,
    core: true,
    tell: untold,
    note: {
      values: '[DER or PEM text], PEM text, system, bundled',
      default: 'none; a client without any CA takes system',
      source: manual,
    },
    parse: trusted,
  };

  /** `cacertfile`: path of a PEM file of trusted certificates. */
  readonly cacertfile: Option<'both', string | Uint8Array, string | undefined> = {
    otp: 'cacertfile',
    side: 'both',
    after: ['versions', 'verifyFun', 'cacerts'],
    default: undefined,
    tell: asItIs,
    note: { values: 'path', default: 'none', source: manual },
    parse: (value) => fileName('cacertfile', value),
    absent: (at) => {
      const { verify, verifyFun, cacerts } = at.settings;
      // A client that names no CA trusts the system's; an empty list trusts nobody, on purpose or by mistake.
      const nobody = at.role === 'client' ? cacerts?.length === 0 : (cacerts?.length ?? 0) === 0;
      return verify === 'verify_peer' && verifyFun === undefined && nobody
        ? badValue('cacertfile', '')
        : undefined;
    },
  };

  /** `partial_chain`: may trust a certificate inside the chain; gets it root first, in DER. */
  readonly partialChain: CoreOption<'both', PartialChain, PartialChain | undefined> = {
    otp: 'partial_chain',
    side: 'both',
    default: undefined,
    core: true,
    tell: asItIs,
    note: { values: 'function of the chain, root first', default: 'none', source: manual },
    parse: (value) => (isPartialChain(value) ? value : badValue('partialChain', value)),
  };

  /** `customize_hostname_check`: `matchFun`, `fqdnFun`, `failCallback`, as in OTP's list of pairs. */
  readonly customizeHostnameCheck: CoreOption<'client', HostnameCheckHooks, HostnameCheckHooks | undefined> =
    {
      otp: 'customize_hostname_check',
      side: 'client',
      default: undefined,
      core: true,
      tell: asItIs,
      note: {
        values: '{ matchFun, fqdnFun, failCallback }, functions',
        default: 'none',
        source: 'public_key:pkix_verify_hostname/3',
      },
      parse: (value) => (isHooks(value) ? value : badValue('customizeHostnameCheck', value)),
    };

  /** `depth`: most intermediate certificates between the peer's and the trusted one, 0 to 255; default 10. */
  readonly depth: CoreOption<'both', number> = {
    otp: 'depth',
    side: 'both',
    default: 10,
    core: true,
    tell: asItIs,
    note: { values: '0..255', default: '10', source: manual },
    parse: integer('depth', 0, 255),
  };

  /** Ours: least bits of RSA and DSA keys in the peer's chain, 1024 to 16384, and curves as strong; default 2048. */
  readonly minKeySize: CoreOption<'both', number> = {
    otp: undefined,
    side: 'both',
    default: defaultMinKeySize,
    core: true,
    tell: asItIs,
    note: {
      values: `${leastMinKeySize}..16384, bits of RSA and DSA keys in the peer's chain, its root too; curves as strong (secp224r1 for 2048, secp256r1 for 3072)`,
      default: String(defaultMinKeySize),
      source: 'ours, for NIST SP 800-57 part 1',
    },
    parse: integer('minKeySize', leastMinKeySize, 16_384),
  };
}

function isPartialChain(value: unknown): value is PartialChain {
  return typeof value === 'function';
}

const hookNames = new Set(['matchFun', 'fqdnFun', 'failCallback']);

function isHooks(value: unknown): value is HostnameCheckHooks {
  if (typeof value !== 'object' || value === null || isList(value)) return false;
  return Object.entries(value).every(([key, fun]) => hookNames.has(key) && typeof fun === 'function');
}

function trusted(value: unknown): Settings['cacerts'] {
  if (value === 'system' || value === 'bundled') return value;
  const items = typeof value === 'string' ? [value] : value;
  if (!isList(items)) return badValue('cacerts', value);
  return items.flatMap((item) => {
    if (item instanceof Uint8Array) return [item];
    const ders = typeof item === 'string' ? pemCertificates(item) : [];
    return ders.length > 0 ? ders : badValue('cacerts', value);
  });
}
