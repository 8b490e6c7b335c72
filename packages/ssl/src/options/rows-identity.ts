/** Rows of own certificate and key (`ssl:common_option()`); nothing is read from files here. */

import type { KeyAlgorithm } from '../values/crypto/engine.js';
import type { KeyMaterial, RemoteKey } from '../values/x509/key-material.js';
import type { OcspResponseSource } from '../values/x509/ocsp-response-source.js';
import type { IdentityMaterial } from './config.js';
import { isDer, pemCertificates } from './der-forms.js';
import { badValue, OptionError } from './option-error.js';
import type { CertKey, ExportableKey, KeyWish } from './raw.js';
import { asItIs, fileName, isList, listOf, type Option, untold } from './row.js';
import { isOptionObject } from './socket-options.js';

const manual = 'ssl:common_option()';

type Password = string | Uint8Array | (() => string | Uint8Array);

/** What an identity is made of; a config holds these in `identity`. */
export class IdentityRows {
  /** `cert`: own certificate, then its chain, in DER or one PEM text; goes before `certfile`. */
  readonly cert: Option<
    'both',
    Uint8Array | readonly Uint8Array[] | string,
    readonly Uint8Array[] | undefined,
    undefined
  > = {
    otp: 'cert',
    side: 'both',
    default: undefined,
    tell: untold,
    note: { values: 'DER, [DER] own first, or PEM text', default: 'none', source: manual },
    parse: certificates,
  };

  /** `certfile`: path of a PEM file with the own certificate first, or of a PKCS#12 file. */
  readonly certfile: Option<'both', string | Uint8Array, string | undefined> = {
    otp: 'certfile',
    side: 'both',
    default: undefined,
    tell: asItIs,
    note: { values: 'path of PEM or PKCS#12', default: 'none', source: manual },
    // OTP takes the empty name for "none".
    parse: (value) => (value === '' ? undefined : fileName('certfile', value)),
  };

  /** `key`: goes before `keyfile`. A PEM text may be encrypted (`password`); `{ PFX }` is a PKCS#12 file. */
  readonly key: Option<'both', KeyWish, KeyMaterial | undefined, undefined> = {
    otp: 'key',
    side: 'both',
    default: undefined,
    tell: untold,
    kept: 'secret',
    note: {
      values:
        '{ Type: DER }, [type, DER], PEM text, KeyObject; { PFX: DER } of PKCS#12 brings the certificates along; ' +
        '{ algorithm, sign, spki } for a key that lives elsewhere',
      default: 'none',
      source: manual,
    },
    parse: privateKey,
  };

  /** `keyfile`: path of a PEM or PKCS#12 file; default: `certfile`. */
  readonly keyfile: Option<'both', string | Uint8Array, string | undefined> = {
    otp: 'keyfile',
    side: 'both',
    after: ['versions', 'certfile'],
    default: undefined,
    tell: asItIs,
    note: { values: 'path of PEM or PKCS#12', default: 'certfile', source: manual },
    parse: (value) => fileName('keyfile', value),
    absent: (at) => at.settings.certfile,
  };

  /** `password` of an encrypted key; a function is asked when the key is read. */
  readonly password: Option<'both', Password, Password | undefined, undefined> = {
    otp: 'password',
    side: 'both',
    default: undefined,
    tell: untold,
    kept: 'secret',
    note: { values: 'text, bytes, or a function of none', default: 'none', source: manual },
    parse: password,
  };

  /** Ours: a DER OCSPResponse for the own certificate, or a function that gives a current one when a client asks. */
  readonly ocspResponse: Option<'server', OcspResponseSource, OcspResponseSource | undefined, undefined> = {
    otp: undefined,
    side: 'server',
    default: undefined,
    tell: untold,
    note: {
      values: 'DER, or a function that gives it, at once or later',
      default: 'none',
      source: 'ours, for RFC 6066 §8',
    },
    parse: ocspResponse,
  };
}

/** Several of them at once. */
export class CertsKeysRows {
  /** `certs_keys`: several pairs, in place of the six above; the first that fits the peer is used. */
  readonly certsKeys: Option<'both', readonly CertKey[], readonly IdentityMaterial[] | undefined, undefined> =
    {
      otp: 'certs_keys',
      side: 'both',
      default: undefined,
      tell: untold,
      kept: 'secret',
      note: {
        values: '[{ cert or certfile, key or keyfile, password, ocspResponse }]',
        default: 'none; goes before the six above',
        source: 'ssl:cert_key_conf()',
      },
      parse: (value) => listOf('certsKeys', value).map((entry) => pairOf(entry, value)),
    };
}

const pairKeys: ReadonlySet<string> = new Set(Object.keys(new IdentityRows()));

/** An element of `certs_keys`, by the rules of the single options; a wrong one is told with the whole list. */
function pairOf(entry: unknown, whole: unknown): IdentityMaterial {
  if (!isOptionObject(entry) || !Object.keys(entry).every((key) => pairKeys.has(key)))
    return badValue('certsKeys', whole);
  const { cert, certfile, key, keyfile, ocspResponse: staple, password: secret } = entry;
  try {
    const own = key === undefined ? undefined : privateKey(key);
    if (cert === undefined && certfile === undefined && own?.type !== 'pfx')
      return badValue('certsKeys', whole);
    const file = certfile === undefined ? undefined : fileName('certfile', certfile);
    return Object.freeze({
      cert: cert === undefined ? undefined : certificates(cert),
      certfile: file,
      key: own,
      keyfile: keyfile === undefined ? file : fileName('keyfile', keyfile),
      password: secret === undefined ? undefined : password(secret),
      ocspResponse: staple === undefined ? undefined : ocspResponse(staple),
    });
  } catch (error) {
    return error instanceof OptionError ? badValue('certsKeys', whole) : raise(error);
  }
}

function raise(error: unknown): never {
  throw error;
}

function password(value: unknown): Password {
  if (typeof value === 'string' || value instanceof Uint8Array) return value;
  return isPasswordFunction(value) ? value : badValue('password', value);
}

function isPasswordFunction(value: unknown): value is () => string | Uint8Array {
  return typeof value === 'function' && value.length === 0;
}

function ocspResponse(value: unknown): OcspResponseSource {
  return isDer(value) || isStapleFunction(value) ? value : badValue('ocspResponse', value);
}

function isStapleFunction(value: unknown): value is Exclude<OcspResponseSource, Uint8Array> {
  return typeof value === 'function';
}

function certificates(value: unknown): readonly Uint8Array[] {
  const chain = typeof value === 'string' ? pemCertificates(value) : isList(value) ? value : [value];
  const ders = chain.filter(isDer);
  return ders.length > 0 && ders.length === chain.length ? ders : badValue('cert', value);
}

type Format = Extract<KeyMaterial, { readonly type: 'der' }>['format'];
const formats: Readonly<Record<string, Format>> = {
  RSAPrivateKey: 'RSAPrivateKey',
  DSAPrivateKey: 'DSAPrivateKey',
  ECPrivateKey: 'ECPrivateKey',
  PrivateKeyInfo: 'PrivateKeyInfo',
  // OTP's older names.
  rsa: 'RSAPrivateKey',
  dsa: 'DSAPrivateKey',
};

function privateKey(value: unknown): KeyMaterial {
  if (typeof value === 'string')
    return value.includes('-----BEGIN ') && value.includes('PRIVATE KEY-----')
      ? { type: 'pem', pem: value }
      : badValue('key', value);
  if (isExportable(value)) {
    const der = exported(value);
    return isDer(der) ? { type: 'der', format: 'PrivateKeyInfo', der } : badValue('key', value);
  }
  if (isRemote(value)) return { type: 'remote', key: value };
  const entries = isList(value)
    ? [value]
    : typeof value === 'object' && value !== null
      ? Object.entries(value)
      : [];
  const [entry] = entries;
  if (entries.length !== 1 || entry?.length !== 2) return badValue('key', value);
  const [name, der] = entry;
  if (name === 'PFX') return isDer(der) ? { type: 'pfx', der } : badValue('key', value);
  const format = typeof name === 'string' && Object.hasOwn(formats, name) ? formats[name] : undefined;
  return format !== undefined && isDer(der) ? { type: 'der', format, der } : badValue('key', value);
}

/** `undefined` when the key will not leave its home (`KeyObject`s of hardware, or no key at all). */
function exported(key: ExportableKey): unknown {
  try {
    return key.export({ format: 'der', type: 'pkcs8' });
  } catch {
    return undefined;
  }
}

/** A private `KeyObject` of node:crypto, told by its shape: only the crypto engines import node:crypto. */
function isExportable(value: unknown): value is ExportableKey {
  return (
    typeof value === 'object' &&
    value !== null &&
    'type' in value &&
    value.type === 'private' &&
    'export' in value &&
    typeof value.export === 'function'
  );
}

const keyAlgorithms: readonly KeyAlgorithm[] = ['rsa', 'rsa_pss', 'ec', 'dsa', 'ed25519', 'ed448'];

function isRemote(value: unknown): value is RemoteKey {
  if (typeof value !== 'object' || value === null || !('sign' in value) || !('algorithm' in value))
    return false;
  const { algorithm, sign } = value;
  const spki = 'spki' in value ? value.spki : undefined;
  return (
    typeof sign === 'function' &&
    keyAlgorithms.some((known) => known === algorithm) &&
    (spki === undefined || isDer(spki))
  );
}
