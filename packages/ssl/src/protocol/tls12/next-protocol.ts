/**
 * Which application protocol is spoken in TLS 1.2 and before: ALPN's (RFC 7301), and where that is not spoken by both sides
 * the one that the client picks from what the server advertises (draft-agl-tls-nextprotoneg-04), in a message of its own
 * between change_cipher_spec and Finished.
 *
 *      Client                                               Server
 *      ClientHello: wish            -------->
 *                                   <--------      ServerHello: names
 *      [ChangeCipherSpec]
 *      NextProtocol
 *      Finished                     -------->
 *
 * An abbreviated handshake has it in the same place, and one that runs again does not have it (contract §13.2).
 */
import { sameBytes } from '../../values/wire/same-bytes.js';
import { acceptProtocol, selectProtocol } from '../extensions/alpn.js';
import type { ClientHelloExtensions, ServerHello12Extensions } from '../extensions/table.js';
import type { MessageEvent12 } from '../handshake.js';
import { AlertError } from '../reasons.js';
import type { ClientSettings, ServerSettings } from '../settings.js';
import type { Negotiated12 } from './negotiated.js';
import type { Previous } from './renegotiation.js';

type Agreed = Pick<Negotiated12, 'alpn' | 'nextProtocol'>;

function agreedBefore({ facts: { alpn } }: Previous): Agreed {
  return { alpn, nextProtocol: 'none' };
}

/** What a server says to the client's wishes. Throws `no_application_protocol`. */
export function answerProtocols(
  offered: Pick<ClientHelloExtensions, 'alpn' | 'nextProtocolWish'>,
  {
    alpnPreferredProtocols,
    nextProtocolsAdvertised,
  }: Pick<ServerSettings, 'alpnPreferredProtocols' | 'nextProtocolsAdvertised'>,
  previous: Previous | undefined,
): Agreed {
  if (previous !== undefined) return agreedBefore(previous);
  const alpn = selectProtocol(offered.alpn, alpnPreferredProtocols);
  const due =
    alpn === undefined && offered.nextProtocolWish === true && nextProtocolsAdvertised !== undefined;
  return { alpn, nextProtocol: due ? 'due' : 'none' };
}

/** What a client makes of the server's answer. Throws `two_application_protocols` and `no_next_protocol`. */
export function acceptProtocols(
  { alpn, nextProtocols }: Pick<ServerHello12Extensions, 'alpn' | 'nextProtocols'>,
  offered: Pick<ClientHelloExtensions, 'alpn'>,
  { clientPreferredNextProtocols: wish }: Pick<ClientSettings, 'clientPreferredNextProtocols'>,
  previous: Previous | undefined,
): Agreed {
  if (previous !== undefined) return agreedBefore(previous);
  if (nextProtocols === undefined) return { alpn: acceptProtocol(alpn, offered.alpn), nextProtocol: 'none' };
  if (alpn !== undefined) throw new AlertError('two_application_protocols');
  const chosen = wish && chooseNextProtocol(nextProtocols, wish);
  if (chosen === undefined) throw new AlertError('no_next_protocol');
  return { alpn: Uint8Array.from(chosen), nextProtocol: 'due' };
}

/** OTP's `make_next_protocol_selector`: the first that both have in the order of one of them, else the default. */
function chooseNextProtocol(
  advertised: readonly Uint8Array[],
  { precedence, protocols, default: otherwise }: NonNullable<ClientSettings['clientPreferredNextProtocols']>,
): Uint8Array | undefined {
  const [first, second] = precedence === 'client' ? [protocols, advertised] : [advertised, protocols];
  return first.find((name) => second.some((other) => sameBytes(name, other))) ?? otherwise;
}

/** A server hears what the client has picked, which need not be of the server's names. */
export function hearNextProtocol(
  negotiated: Negotiated12,
  { body: { selectedProtocol }, raw }: MessageEvent12<'next_protocol'>,
): Negotiated12 {
  negotiated.messages.add(raw);
  const alpn = selectedProtocol.length > 0 ? Uint8Array.from(selectedProtocol) : undefined;
  return { ...negotiated, alpn, nextProtocol: 'none' };
}
