/** Rows of own certificate and key (`ssl:common_option()`); nothing is read from files here. */

import type { IdentityMaterial, KeyMaterial } from './config.js';
import { isDer, pemCertificates } from './der-forms.js';
import { badValue, OptionError } from './option-error.js';
import type { ExportableKey } from './raw.js';
import { fileName, isList, listOf, type OptionRow, option } from './row.js';
import { isOptionObject } from './socket-options.js';

const manual = 'ssl:common_option()';

export const identityRows: readonly OptionRow[] = [
  option('cert', {
    otp: 'cert',
    side: 'both',
    note: { values: 'DER, [DER] own first, or PEM text', default: 'none', source: manual },
    parse: certificates,
  }),
  option('certfile', {
    otp: 'certfile',
    side: 'both',
    note: { values: 'path', default: 'none', source: manual },
    // OTP takes the empty name for "none".
    parse: (value) => (value === '' ? undefined : fileName('certfile', value)),
  }),
  option('key', {
    otp: 'key',
    side: 'both',
    note: { values: '{ Type: DER }, [type, DER], PEM text, KeyObject', default: 'none', source: manual },
    parse: privateKey,
  }),
  option('keyfile', {
    otp: 'keyfile',
    side: 'both',
    after: ['versions', 'certfile'],
    note: { values: 'path', default: 'certfile', source: manual },
    parse: (value) => fileName('keyfile', value),
    absent: (at) => at.settings.certfile,
  }),
  option('password', {
    otp: 'password',
    side: 'both',
    note: { values: 'text, bytes, or a function of none', default: 'none', source: manual },
    parse: password,
  }),
  option('certsKeys', {
    otp: 'certs_keys',
    side: 'both',
    note: {
      values: '[{ cert or certfile, key or keyfile, password }]',
      default: 'none; goes before the five above',
      source: 'ssl:cert_key_conf()',
    },
    parse: (value) => listOf('certsKeys', value).map((entry) => pairOf(entry, value)),
  }),
];

const pairKeys = new Set(['cert', 'certfile', 'key', 'keyfile', 'password']);

/** An element of `certs_keys`, by the rules of the single options; a wrong one is told with the whole list. */
function pairOf(entry: unknown, whole: unknown): IdentityMaterial {
  if (!isOptionObject(entry) || !Object.keys(entry).every((key) => pairKeys.has(key)))
    return badValue('certsKeys', whole);
  const { cert, certfile, key, keyfile, password: secret } = entry;
  if (cert === undefined && certfile === undefined) return badValue('certsKeys', whole);
  try {
    const file = certfile === undefined ? undefined : fileName('certfile', certfile);
    return Object.freeze({
      cert: cert === undefined ? undefined : certificates(cert),
      certfile: file,
      key: key === undefined ? undefined : privateKey(key),
      keyfile: keyfile === undefined ? file : fileName('keyfile', keyfile),
      password: secret === undefined ? undefined : password(secret),
    });
  } catch (error) {
    return error instanceof OptionError ? badValue('certsKeys', whole) : raise(error);
  }
}

function raise(error: unknown): never {
  throw error;
}

function password(value: unknown): Exclude<IdentityMaterial['password'], undefined> {
  if (typeof value === 'string' || value instanceof Uint8Array) return value;
  return isPasswordFunction(value) ? value : badValue('password', value);
}

function isPasswordFunction(value: unknown): value is () => string | Uint8Array {
  return typeof value === 'function' && value.length === 0;
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
  const entries = isList(value)
    ? [value]
    : typeof value === 'object' && value !== null
      ? Object.entries(value)
      : [];
  const [entry] = entries;
  if (entries.length !== 1 || entry?.length !== 2) return badValue('key', value);
  const [name, der] = entry;
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
