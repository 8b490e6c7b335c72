/** Rows of when and how surely the client has shown who it is. */
import { asItIs, type CoreOption, flag, type Option } from './row.js';

export class AuthenticationRows {
  /**
   * Ours: a client may be asked for a certificate after the handshake; a server with `verify_peer` asks only then, by
   * `requestCertificate`, in TLS 1.3. Default false.
   */
  readonly postHandshakeAuth: CoreOption<'both', boolean> = {
    otp: undefined,
    side: 'both',
    needsVersions: ['tlsv1.3'],
    default: false,
    core: true,
    tell: asItIs,
    note: {
      values:
        'boolean; a client offers it, a server with verify_peer asks no client of TLS 1.3 in the handshake, but those that offer it when `requestCertificate` says so',
      default: 'false',
      source: 'RFC 8446 §4.2.6',
    },
    parse: flag('postHandshakeAuth'),
  };

  /** Ours: `connect` answers when the server has accepted the certificate that it asked for; default false. */
  readonly confirm: Option<'client', boolean> = {
    otp: undefined,
    side: 'client',
    default: false,
    tell: asItIs,
    note: {
      values: 'boolean; true: a certificate that the server refuses is an error of connect, also in TLS 1.3',
      default: 'false: the next call tells it',
      source: 'ours',
    },
    parse: flag('confirm'),
  };
}
