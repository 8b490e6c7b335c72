/**
 * Abbreviated handshakes (RFC 5246 §7.3, figure 2): what both sides do alike. The keys come of the old master secret and
 * of new randoms, and who speaks first proves first.
 */

import type { Facts } from '../facts.js';
import type { MessageEvent12 } from '../handshake.js';
import type { Dependencies } from '../settings.js';
import type { Sink } from '../sink.js';
import { MasterSecret12 } from './master-secret.js';
import { conclude12, type Keys12, type Negotiated12, recordKeys } from './negotiated.js';
import { type GivenTicket, recognized, type Session12 } from './session.js';

/** From the hellos on. */
export interface Resuming {
  readonly negotiated: Negotiated12;
  readonly session: Session12;
  readonly keys: Keys12;
}

/** The keys of a session under new randoms. */
export function resumedKeys(
  negotiated: Negotiated12,
  session: Session12,
  { sink, dependencies }: { readonly sink: Pick<Sink, 'keyLog'>; readonly dependencies: Dependencies },
): Keys12 {
  const prf = negotiated.version.prf(negotiated.suite.hash, dependencies.engine);
  return recordKeys(negotiated, MasterSecret12.resumed(prf, session.masterSecret.expose()), sink);
}

/** What a connection tells that was resumed: of its peer what the session knows. */
export function concludeResumed(
  role: Facts['role'],
  { negotiated, session, keys }: Resuming,
  ticket: GivenTicket | undefined,
): Facts {
  const { group, user, chain } = session;
  const peer = recognized(chain);
  return conclude12(role, {
    ...{ negotiated, group, keys, peer, user, ticket },
    own: recognized([]),
    resumption: true,
  });
}

/** RFC 5077 §3.3: an empty ticket is none. */
export function givenTicket({
  body: { ticket, ticketLifetimeHint: lifetimeHint },
}: MessageEvent12<'new_session_ticket'>): GivenTicket | undefined {
  return ticket.length === 0 ? undefined : { ticket: new Uint8Array(ticket), lifetimeHint };
}
