/** What a person can do about an alert of which no more is known than its name, in one sentence. */
import type { AlertDescription } from './registry/alerts.js';

export const alertAdvice: Readonly<Partial<Record<AlertDescription, string>>> = {
  unknown_ca:
    "The chain ends in no trusted CA: give the CA's certificate in cacerts or cacertfile of the side that checks.",
  certificate_expired: 'A certificate is out of its dates, or a clock is wrong.',
  certificate_revoked: 'The certificate was revoked: a new one is needed.',
  certificate_required: 'The server asks for a client certificate: give cert and key.',
  bad_certificate: 'A certificate of the chain breaks a rule; the side that checks knows which.',
  handshake_failure:
    'The sides share no parameters, or the certificate does not fit the host; compare versions, ciphers and names.',
  insufficient_security: 'The sides share no cipher suite or group: compare ciphers and supportedGroups.',
  protocol_version: 'The sides share no protocol version: compare versions.',
  no_application_protocol: 'The sides share no application protocol: compare the ALPN lists.',
  unrecognized_name: 'The server has nothing for that host name: look at serverNameIndication.',
  decrypt_error: 'A signature or Finished is wrong: does the key fit the certificate?',
};
