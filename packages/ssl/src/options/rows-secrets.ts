/** Rows of secrets that leave the connection: for a key log. */
import { badValue } from './option-error.js';
import { asItIs, type CoreOption, flag, type Option } from './row.js';

/** What the functions of `keep_secrets` are handed: OTP's `keylog_info()`. */
export interface KeyLogInfo {
  /** Lines as they stand in a file that `SSLKEYLOGFILE` names, without newlines. */
  readonly items: readonly string[];
  /** 32 bytes: which connection they are of. */
  readonly clientRandom: Uint8Array;
}

/** Called in the turn in which the secrets come into being; what it answers or throws is nothing to the connection. */
export type KeyLogFun = (info: KeyLogInfo) => unknown;

/** `keep_secrets` as OTP has it since 27.3.1. */
export type KeepSecrets =
  | boolean
  /** Secrets of a TLS 1.3 handshake that has failed. */
  | { readonly keylog_hs: KeyLogFun }
  /** All secrets, as they come into being, those of key updates too. */
  | { readonly keylog: KeyLogFun };

export class SecretsRows {
  /**
   * `keep_secrets`: true keeps them for `connectionInformation`'s `keylog`; a function is told them instead, of all
   * (`keylog`) or of handshakes that fail (`keylog_hs`). Default false.
   */
  readonly keepSecrets: CoreOption<'both', KeepSecrets> = {
    otp: 'keep_secrets',
    side: 'both',
    default: false,
    core: true,
    tell: asItIs,
    note: {
      values: 'boolean, { keylog: function } or { keylog_hs: function } of { items, clientRandom }',
      default: 'false',
      source: 'ssl:common_option() of OTP 27.3.1',
    },
    parse: keepSecrets,
  };

  /** Ours: whether secrets are appended to the file that the environment names in `SSLKEYLOGFILE`; default false. */
  readonly sslKeyLogFile: Option<'both', boolean> = {
    otp: undefined,
    side: 'both',
    default: false,
    tell: asItIs,
    note: {
      values: 'boolean; true appends all secrets to the file that the environment names in SSLKEYLOGFILE',
      default: 'false: the environment alone discloses nothing',
      source: 'ours, draft-ietf-tls-keylogfile',
    },
    parse: flag('sslKeyLogFile'),
  };
}

function keepSecrets(value: unknown): KeepSecrets {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'object' && value !== null && Object.keys(value).length === 1) {
    if ('keylog' in value && isFunction(value.keylog)) return { keylog: value.keylog };
    if ('keylog_hs' in value && isFunction(value.keylog_hs)) return { keylog_hs: value.keylog_hs };
  }
  return badValue('keepSecrets', value);
}

function isFunction(value: unknown): value is KeyLogFun {
  return typeof value === 'function';
}
