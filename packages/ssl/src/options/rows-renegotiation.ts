/** Rows of handshakes that run again in TLS 1.2 and before, and of clients that try an older version. */
import type { ProtocolVersion } from '../values/registry/versions.js';
import { badValue } from './option-error.js';
import { asItIs, type CoreOption, flag, isInteger, type Option, untold } from './row.js';

/** Versions that can renegotiate, in OTP's order. */
const older: readonly ProtocolVersion[] = ['tlsv1', 'tlsv1.1', 'tlsv1.2'];
/** Records; OTP takes no more. */
const mostRecords = 2 ** 28;

export class RenegotiationRows {
  /** `secure_renegotiate`: false renegotiates with a peer too that cannot bind it to the handshake before (RFC 5746). */
  readonly secureRenegotiate: CoreOption<'both', boolean> = {
    otp: 'secure_renegotiate',
    side: 'both',
    needsVersions: older,
    default: true,
    core: true,
    tell: asItIs,
    note: {
      values: 'boolean; false lets CVE-2009-3555 in',
      default: 'true',
      source: 'RFC 5746 §4, ssl:common_option()',
    },
    parse: flag('secureRenegotiate'),
  };

  /** `client_renegotiation`: whether clients may begin one, once in 12 s; a server always may. */
  readonly clientRenegotiation: CoreOption<'server', boolean> = {
    otp: 'client_renegotiation',
    side: 'server',
    elsewhere: 'refused',
    needsVersions: older,
    default: true,
    core: true,
    tell: asItIs,
    note: { values: 'boolean', default: 'true', source: 'ssl:server_option()' },
    parse: flag('clientRenegotiation'),
  };

  /** `renegotiate_at`: records sent after which we ask for one; undocumented in OTP. */
  readonly renegotiateAt: Option<'both', number, number, undefined> = {
    otp: 'renegotiate_at',
    side: 'both',
    default: mostRecords,
    tell: untold,
    note: {
      values:
        'records sent; what is below 1 is 1, what is above the default is the default; AES-GCM is renewed after 2^24.5, ' +
        'AES-CCM after 2^23',
      default: '268435456',
      source: "OTP's ssl, undocumented there; RFC 9325 §4.4",
    },
    parse: (value) =>
      isInteger(value) ? Math.min(Math.max(value, 1), mostRecords) : badValue('renegotiateAt', value),
  };

  /** Ours: true lets the peer be another one after a renegotiation, which a triple handshake wants. */
  readonly renegotiateIdentity: CoreOption<'both', boolean> = {
    otp: undefined,
    side: 'both',
    needsVersions: older,
    default: false,
    core: true,
    tell: asItIs,
    note: {
      values: 'boolean; whether the peer may show another certificate, or be another user, than before',
      default: 'false; a client that has shown nothing may show what it has',
      source: 'ours, for RFC 7627 §1',
    },
    parse: flag('renegotiateIdentity'),
  };

  /** `fallback`: the client says that it tries an older version than it can do, after a failure (RFC 7507). */
  readonly fallback: CoreOption<'client', boolean> = {
    otp: 'fallback',
    side: 'client',
    elsewhere: 'refused',
    default: false,
    core: true,
    tell: asItIs,
    note: { values: 'boolean', default: 'false', source: 'RFC 7507 §4' },
    parse: flag('fallback'),
  };
}
