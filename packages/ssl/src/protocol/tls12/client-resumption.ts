/**
 * A client whose session is resumed (RFC 5246 §7.3, figure 2; RFC 5077 §3.1), and the ticket that it gets.
 *
 *      Client                                               Server
 *      ClientHello                  -------->
 *                                                      ServerHello      WAIT_SH
 *                                                [NewSessionTicket]     RESUMED_WAIT_TICKET
 *                                               [ChangeCipherSpec]      RESUMED_WAIT_CCS: K_recv
 *                                   <--------             Finished      RESUMED_WAIT_FINISHED
 *      [ChangeCipherSpec]                                               K_send
 *      [NextProtocol]                                                   `next-protocol.ts`
 *      Finished                     -------->
 */

import { sameBytes } from '../../values/wire/same-bytes.js';
import type { ClientContext } from '../contexts.js';
import { namesTickets } from '../extensions/session-ticket.js';
import type { Facts } from '../facts.js';
import type { MessageEvent12 } from '../handshake.js';
import type { ClientOffer } from '../hello/client-hello.js';
import { AlertError } from '../reasons.js';
import { changeReadKeys, checkFinished, finishFlight } from './finished.js';
import { leave12, type Negotiated12 } from './negotiated.js';
import type { Previous } from './renegotiation.js';
import { concludeResumed, givenTicket, type Resuming, resumedKeys } from './resumption.js';
import type { GivenTicket, Session12 } from './session.js';

export interface ResumedWaitTicket extends Resuming {
  readonly state: 'resumedWaitTicket';
}
/** The server's tickets are through. */
interface Ticketed extends Resuming {
  readonly ticket: GivenTicket | undefined;
}
export interface ResumedWaitCcs extends Ticketed {
  readonly state: 'resumedWaitCcs';
}
export interface ResumedWaitFinished extends Ticketed {
  readonly state: 'resumedWaitFinished';
}

/** RFC 5246 §7.4.1.3, RFC 5077 §3.4: the echo of an id that was offered with a session. */
export function isTaken({ session }: ClientOffer, { body }: MessageEvent12<'server_hello'>): boolean {
  return session !== undefined && sameBytes(session.id, body.legacySessionIdEcho);
}

export function isTakenWithTicket(offer: ClientOffer, event: MessageEvent12<'server_hello'>): boolean {
  return isTaken(offer, event) && namesTickets(event.body.extensions);
}

/** What the server has agreed to must be what the session was. */
export function resume(
  negotiated: Negotiated12,
  { session: offered }: ClientOffer,
  context: ClientContext,
): Resuming {
  if (offered === undefined) throw new TypeError('no session was offered');
  const { session } = offered;
  check(negotiated, session);
  negotiated.messages.forget();
  return { negotiated, session, keys: resumedKeys(negotiated, session, context) };
}

function check({ version, suite, masterSecret, encryptThenMac }: Negotiated12, session: Session12): void {
  if (version.name !== session.version || suite.row.id !== session.suite)
    throw new AlertError('resumption_changed');
  // RFC 7627 §5.3
  if (masterSecret !== session.derivation) throw new AlertError('resumption_changed_master_secret');
  // RFC 7366 §3.1
  if (encryptThenMac !== session.encryptThenMac) throw new AlertError('resumption_changed');
}

export function receiveResumedTicket(
  from: ResumedWaitTicket,
  event: MessageEvent12<'new_session_ticket'>,
): ResumedWaitCcs {
  from.negotiated.messages.add(event.raw);
  return { ...from, state: 'resumedWaitCcs', ticket: givenTicket(event) };
}

export function receiveResumedChangeCipherSpec(
  from: ResumedWaitCcs,
  _event: { readonly type: 'change_cipher_spec' },
  context: ClientContext,
): ResumedWaitFinished {
  changeReadKeys(from.negotiated, from.keys, 'server', context);
  return { ...from, state: 'resumedWaitFinished' };
}

/** RFC 5246 §7.4.9: the server's Finished, then ours. */
export function receiveResumedFinished(
  from: ResumedWaitFinished,
  { body, raw }: MessageEvent12<'finished'>,
  context: ClientContext,
): { readonly state: 'connected'; readonly facts: Facts; readonly left: Previous } {
  const { negotiated, keys, ticket } = from;
  context.channel.endPeerFlight();
  checkFinished(body, negotiated, keys, 'server', context.dependencies.engine);
  negotiated.messages.add(raw);
  finishFlight(negotiated, keys, 'client', context);
  const facts = concludeResumed('client', from, ticket);
  return { state: 'connected', facts, left: leave12(negotiated, facts, undefined) };
}
