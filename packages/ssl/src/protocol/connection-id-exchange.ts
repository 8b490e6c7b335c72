/**
 * More connection IDs than those of the hellos (RFC 9147 §9): a side asks for some before it is on another path, where the ID
 * of the old one would tell who it is, and uses them in the order they came.
 *
 * Of ours the peer holds few at a time. No message takes one back, and a peer may return to a path and the ID that it had there:
 * so those that it used last stay its own, and only older ones are nobody's any more.
 */

import { connectionIdMessages } from '../values/wire/messages/connection-ids.js';
import { sameBytes } from '../values/wire/same-bytes.js';
import type { AgreedConnectionIds } from './extensions/connection-id.js';
import { AlertError } from './reasons.js';

/** What it does with them. */
export interface ConnectionIdHost {
  /** Another of ours; empty: there is none. */
  issue(): Uint8Array;
  /** None comes with this one any more. */
  retire(id: Uint8Array): void;
  /** Records come with one of these. */
  expect(ids: readonly Uint8Array[]): void;
  /** Records leave with this one. */
  use(id: Uint8Array): void;
  /** A whole message leaves, until it was acknowledged. */
  send(message: Uint8Array): void;
  /** Whether messages of ours are under way. */
  readonly busy: boolean;
}

/** Of ours that the peer may hold unused, and of those that it used before the one it has come to. */
const mostUnused = 7;
const mostBefore = 8;
/** Of the peer's that wait to be used; what comes beyond is forgotten. */
const mostSpare = 8;
/** Asked for at a time. */
const asked = 2;
/** How often a peer may ask without a move between. */
const mostRequests = 16;

const immediate = 0;
const spare = 1;

export class ConnectionIdExchange {
  private readonly host: ConnectionIdHost;
  /** In the order they were given. */
  private own: readonly Uint8Array[];
  /** Which of them came last, and which of those that came is the last of the list, by their places. */
  private latest = 0;
  private furthest = 0;
  private readonly peerHasIds: boolean;
  private spares: readonly Uint8Array[] = [];
  /** A request of ours has no answer. */
  private requesting = false;
  /** The peer has asked for so many, and has not been answered. */
  private owed: number | undefined = undefined;
  private requests = 0;

  constructor(host: ConnectionIdHost, { own, peer }: AgreedConnectionIds) {
    this.host = host;
    this.own = own.length === 0 ? [] : [own];
    this.peerHasIds = peer.length > 0;
  }

  /** A handshake message of the peer's; false: it is none of these. Throws `AlertError`, `DecodeError`. */
  receive(code: number, raw: Uint8Array): boolean {
    switch (connectionIdMessages.byCode(code)) {
      case 'new_connection_id':
        this.takeNew(raw);
        return true;
      case 'request_connection_id':
        this.takeRequest(raw);
        return true;
      case undefined:
        return false;
    }
  }

  /** The newest record of all bore this one. */
  heard(id: Uint8Array): void {
    const { own, latest } = this;
    const current = own[latest];
    if (current !== undefined && sameBytes(current, id)) return;
    this.latest = Math.max(
      own.findIndex((one) => sameBytes(one, id)),
      0,
    );
    if (this.latest <= this.furthest) return;
    this.furthest = this.latest;
    this.requests = 0;
    this.forgetOld();
  }

  /** The peer is elsewhere: what is sent there bears an ID that nobody has seen before, if there is one. */
  moved(): void {
    if (!this.peerHasIds) return;
    this.useSpare();
    if (this.spares.length === 0) this.request();
  }

  /** What was under way has arrived. */
  acknowledged(): void {
    if (this.owed !== undefined && !this.host.busy) this.answer(this.owed);
  }

  private request(): void {
    if (this.requesting) return;
    this.requesting = true;
    this.host.send(connectionIdMessages.encode('request_connection_id', { numCids: asked }));
  }

  private useSpare(): void {
    const [next, ...others] = this.spares;
    if (next === undefined) return;
    this.spares = others;
    this.host.use(next);
  }

  private takeNew(raw: Uint8Array): void {
    const { cids, usage } = connectionIdMessages.decode('new_connection_id', raw);
    // Who has none of its own in what comes to it cannot have others.
    if (!this.peerHasIds) throw new AlertError('unexpected_message', { unexpected: 'new_connection_id' });
    const isImmediate = usage === immediate;
    if (
      (!isImmediate && usage !== spare) ||
      cids.some(({ length }) => length === 0) ||
      (isImmediate && cids.length === 0)
    )
      throw new AlertError('wrong_new_connection_ids');
    this.requesting = false;
    // A message has room for thousands: what is not kept is not copied.
    const copies = cids.slice(0, mostSpare).map((id) => new Uint8Array(id));
    // What the peer wants used at once is not for what it gave before.
    this.spares = (isImmediate ? copies : [...this.spares, ...copies]).slice(0, mostSpare);
    if (isImmediate) this.useSpare();
  }

  private takeRequest(raw: Uint8Array): void {
    const { numCids } = connectionIdMessages.decode('request_connection_id', raw);
    if (this.own.length === 0)
      throw new AlertError('unexpected_message', { unexpected: 'request_connection_id' });
    this.requests += 1;
    if (this.requests > mostRequests) throw new AlertError('too_many_cids_requested');
    this.owed = numCids;
    this.acknowledged();
  }

  /** Perhaps fewer than were asked for, and perhaps none. */
  private answer(wanted: number): void {
    this.owed = undefined;
    const cids: Uint8Array[] = [];
    const unused = this.own.length - 1 - this.furthest;
    for (let n = Math.min(wanted, mostUnused - unused); n > 0; n -= 1) {
      const id = this.host.issue();
      if (id.length === 0) break;
      cids.push(id);
    }
    this.own = [...this.own, ...cids];
    this.host.expect(this.own);
    this.host.send(connectionIdMessages.encode('new_connection_id', { cids, usage: spare }));
  }

  private forgetOld(): void {
    const from = this.furthest - mostBefore;
    if (from <= 0) return;
    for (const id of this.own.slice(0, from)) this.host.retire(id);
    this.own = this.own.slice(from);
    this.furthest -= from;
    this.latest -= from;
    this.host.expect(this.own);
  }
}
