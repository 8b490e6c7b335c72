/**
 * The book of one simulated run: what was asked, answered and delivered, in order, and the check of the invariants.
 *
 * It is written from outside of the tested code: messages as they enter mailboxes, sends as they enter the sender's,
 * calls as the callers see them. The check reads nothing else, so a delivery that is wrong cannot hide itself.
 */
import type { Pid } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';

/** One thing that happened; `step` orders all of them. */
interface Event {
  readonly step: number;
  readonly at: number;
  readonly text: string;
}

/** A call of the API: it ended at `end`, or has not. */
export interface CallEntry {
  readonly name: string;
  readonly start: number;
  end: number;
  /** `undefined`: no answer yet. */
  result: unknown;
}

interface OwnerChange {
  readonly to: Pid<never>;
  readonly start: number;
  end: number;
  result: 'ok' | 'failed' | 'no answer';
}

interface Delivered {
  readonly step: number;
  readonly to: Pid<never>;
  readonly message: ssl.SslMessage;
}

interface Received {
  readonly start: number;
  readonly end: number;
  readonly length: number;
  readonly data: Uint8Array;
}

interface Sent {
  readonly data: Uint8Array;
  acknowledged: boolean;
}

/** What a kill hit, as the connection stood then. */
export interface Killed {
  readonly active: boolean;
  readonly established: boolean;
}

/** One end of a connection. */
export class End {
  readonly label: string;
  readonly socket: ssl.SslSocket;
  peer: End | undefined = undefined;
  readonly changes: OwnerChange[] = [];
  readonly delivered: Delivered[] = [];
  readonly received: Received[] = [];
  readonly sent: Sent[] = [];
  /** Steps at which a passive call said that it is over. */
  readonly toldByCall: number[] = [];
  /** A `recv` of so many bytes may have lost that many at the end. */
  lostToRecv = 0;
  /** The own side closed, or its owner is gone: nothing need be told. */
  ownEnd = false;
  readonly kills: Killed[] = [];
  /** The transport broke: what was on its way may be lost. */
  broken = false;
  /** A handshake that ran again waited for somebody who did not read, until its deadline. */
  starved = false;

  constructor(label: string, socket: ssl.SslSocket) {
    this.label = label;
    this.socket = socket;
  }
}

export class Ledger {
  readonly #now: () => number;
  readonly #events: Event[] = [];
  readonly #ends = new Map<ssl.SslSocket, End>();
  readonly #bySender = new Map<Pid<never>, End>();
  readonly #names = new Map<Pid<never>, string>();
  readonly calls: CallEntry[] = [];
  /** Violations seen while the run goes on. */
  readonly seen: string[] = [];
  #step = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  get ends(): Iterable<End> {
    return this.#ends.values();
  }

  name(pid: Pid<never>, name: string): void {
    this.#names.set(pid, name);
  }

  nameOf(pid: Pid<never>): string {
    return this.#names.get(pid) ?? pid.toString();
  }

  note(text: string): number {
    this.#step += 1;
    this.#events.push({ step: this.#step, at: this.#now(), text });
    return this.#step;
  }

  /** The end of this socket; made when it is first heard of. */
  end(socket: ssl.SslSocket): End {
    let end = this.#ends.get(socket);
    if (end === undefined) {
      end = new End(socket.toString(), socket);
      this.#ends.set(socket, end);
      this.#bySender.set(socket.sender, end);
    }
    return end;
  }

  /** Whom the socket belongs to from its making on. */
  born(socket: ssl.SslSocket, owner: Pid<never>): End {
    const end = this.end(socket);
    end.changes.unshift({ to: owner, start: 0, end: 0, result: 'ok' });
    this.note(`${end.label} belongs to ${this.nameOf(owner)}`);
    return end;
  }

  pair(a: End, b: End): void {
    a.peer = b;
    b.peer = a;
    this.note(`${a.label} speaks to ${b.label}`);
  }

  /** A message entered a mailbox. */
  entered(to: Pid<never>, message: ssl.SslMessage): void {
    const end = this.end(message.socket);
    const step = this.note(`${end.label} → ${this.nameOf(to)}: ${describeMessage(message)}`);
    end.delivered.push({ step, to, message });
    if (message.type === 'ssl_error') end.starved ||= isStarved(message.reason);
  }

  /** A request entered a sender's mailbox. */
  asked(to: Pid<never>, request: unknown): void {
    const end = this.#bySender.get(to);
    if (end === undefined || !isSend(request)) return;
    end.sent.push({ data: request.data, acknowledged: false });
  }

  /** Follows a call to its answer. */
  async call<T>(who: Pid<never> | undefined, name: string, promise: Promise<T>): Promise<T> {
    const by = who === undefined ? 'the test' : this.nameOf(who);
    const entry: CallEntry = {
      name: `${by}: ${name}`,
      start: this.note(`${by}: ${name} …`),
      end: 0,
      result: undefined,
    };
    this.calls.push(entry);
    try {
      const result = await promise;
      entry.result = result;
      entry.end = this.note(`${by}: ${name} = ${describe(result)}`);
      return result;
    } catch (error) {
      entry.result = { raises: error };
      entry.end = this.note(`${by}: ${name} raises ${String(error)}`);
      this.seen.push(`${by}: ${name} raised ${String(error)}`);
      throw error;
    }
  }

  async send(who: Pid<never>, { socket, label, sent }: End, data: Uint8Array): Promise<ssl.Result<true>> {
    const result = this.call(who, `send(${label}, ${data.length} B)`, ssl.send(socket, data));
    // It stands in the sender's mailbox now, unless that is dead.
    const mine = sent.at(-1);
    const answer = await result;
    // Before the handshake nothing is taken; what is refused at the end cannot be followed by anything.
    if ('error' in answer && answer.error === 'notsup_on_transport_accept_socket' && mine !== undefined)
      sent.splice(sent.indexOf(mine), 1);
    // An empty send has its answer at once and says nothing of those before it.
    if ('ok' in answer && mine?.data === data) mine.acknowledged = data.length > 0;
    if ('ok' in answer && mine?.data !== data) this.seen.push('a send that no sender got was acknowledged');
    return answer;
  }

  async recv(who: Pid<never>, end: End, length: number, timeout: ssl.Timeout): Promise<void> {
    const start = this.#step;
    const name = `recv(${end.label}, ${length}, ${timeout})`;
    const result = await this.call(who, name, ssl.recv(end.socket, length, timeout));
    if ('ok' in result) {
      const data = bytesOf(result.ok);
      end.received.push({ start, end: this.#step, length, data });
    } else if (result.error === 'closed' || typeof result.error === 'object') {
      end.toldByCall.push(this.#step);
      end.starved ||= isStarved(result.error);
      end.lostToRecv = Math.max(end.lostToRecv, length - 1);
    }
  }

  async handOver(who: Pid<never> | undefined, end: End, to: Pid<ssl.SslMessage>): Promise<void> {
    const change: OwnerChange = { to, start: this.#step, end: Infinity, result: 'no answer' };
    end.changes.push(change);
    const name = `controllingProcess(${end.label}, ${this.nameOf(to)})`;
    const result = await this.call(who, name, ssl.controllingProcess(end.socket, to));
    change.end = this.#step;
    if ('ok' in result && !end.socket.node.isAlive(to)) end.ownEnd = true;
    change.result = 'ok' in result ? 'ok' : 'failed';
  }

  /** Whether the socket may belong to this process now. */
  mayOwn(end: End, pid: Pid<never>): boolean {
    return possibleOwner(end, pid, this.#step);
  }

  /** The lines of the run, for a person. */
  text(): string {
    return this.#events.map(({ step, at, text }) => `${at} ms #${step} ${text}`).join('\n');
  }

  /** What was violated, a line each. */
  violations({ packet }: { readonly packet: boolean }): string[] {
    const found = [...this.seen];
    for (const call of this.calls) if (call.end === 0) found.push(`no answer: ${call.name} (#${call.start})`);
    for (const end of this.ends) {
      for (const line of [...owners(end), ...endings(end), ...data(end, packet)])
        found.push(`${end.label}: ${line}`);
    }
    return found.map((line) => line.replace(/<[\d.]+>/g, (pid) => pid));
  }
}

/** No message to a process that is not the owner at that moment. */
function owners({ changes, delivered }: End): string[] {
  const found: string[] = [];
  for (const { step, to, message } of delivered) {
    if (!possibleOwner({ changes }, to, step))
      found.push(`#${step}: ${message.type} to ${to}, which was not the owner`);
  }
  return found;
}

/**
 * A change may have taken effect at any moment between question and answer; it counts unless another, which certainly
 * took effect later, had done so by then.
 */
function possibleOwner({ changes }: Pick<End, 'changes'>, pid: Pid<never>, step: number): boolean {
  return changes.some(
    (change) =>
      change.to === pid &&
      change.start <= step &&
      !changes.some((later) => later.result === 'ok' && later.start > change.end && later.end <= step),
  );
}

/** At most one of ssl_closed and ssl_error, after all data; exactly one when it ended by itself. */
function endings(end: End): string[] {
  const found: string[] = [];
  const ends = end.delivered.filter(({ message: { type } }) => type === 'ssl_closed' || type === 'ssl_error');
  const [first] = ends;
  if (ends.length > 1) found.push(`was told ${ends.length} times that it is over`);
  for (const { step, message } of ends) {
    // Nothing corrupts bytes here: whoever finds them wrong has lost or changed some itself.
    const alert = message.type === 'ssl_error' ? alertOf(message.reason) : undefined;
    const starved = message.type === 'ssl_error' && mayStarve(end, message.reason);
    if (alert !== undefined && alert !== 'internal_error' && !starved)
      found.push(`#${step}: ${alert} of its own making`);
  }
  if (first !== undefined) {
    const late = end.delivered.find(({ step }) => step > first.step);
    if (late !== undefined && late.message.type === 'ssl')
      found.push(`#${late.step}: data after ${first.message.type}`);
    const again = end.toldByCall.find((step) => step < first.step);
    if (again !== undefined) found.push(`#${first.step}: ${first.message.type} after a call had told it`);
  }
  if (end.ownEnd) return found;
  const told = ends.length + end.toldByCall.length;
  const mustHear = end.kills.every(({ active, established }) => active && established);
  if (mustHear && told === 0) found.push('ended, and nobody was told');
  return found;
}

/** Whether it was starved, or its peer, who may have been told nothing because it was passive and has not asked. */
function mayStarve({ starved, peer }: End, reason: ssl.SslReason): boolean {
  if (starved || peer?.starved === true) return true;
  const heard = /received (?:CLIENT|SERVER) ALERT: Fatal - Handshake Failure/.test(JSON.stringify(reason));
  return heard && peer?.delivered.every(({ message: { type } }) => type !== 'ssl_error') === true;
}

/** Where nobody reads, a handshake that runs again cannot: then the connection ends. */
function isStarved(reason: ssl.SslReason): boolean {
  return JSON.stringify(reason).includes("renegotiation: 'timeout'");
}

function alertOf(reason: ssl.SslReason): unknown {
  const alert = typeof reason === 'object' && 'tls_alert' in reason ? reason.tls_alert : undefined;
  return Array.isArray(alert) ? alert[0] : undefined;
}

/** Both mailboxes and all answers together hold every byte once, in order. */
function data(end: End, packet: boolean): string[] {
  const { peer } = end;
  if (peer === undefined) return [];
  const found: string[] = [];
  const sent = peer.sent.map(({ data }) => data).filter(({ length }) => packet || length > 0);
  const messages = end.delivered.flatMap(({ message }) =>
    message.type === 'ssl' ? [bytesOf(message.data)] : [],
  );
  const answers = end.received.map((one) => one.data);
  for (const { length, data } of end.received)
    if (!packet && length > 0 && data.length !== length) found.push(`recv(${length}) gave ${data.length} B`);
  const all = [...messages, ...answers];
  const total = sum(all);
  if (packet) {
    const whole = merge(
      messages,
      answers,
      (piece, index) => sent[index] !== undefined && Buffer.compare(sent[index], piece) === 0,
      () => 1,
    );
    if (!whole)
      found.push(`packets received (${all.length}) are not the first of those sent (${sent.length})`);
  } else {
    const stream = Buffer.concat(sent);
    const fits = (piece: Uint8Array, at: number): boolean =>
      at + piece.length <= stream.length && stream.subarray(at, at + piece.length).equals(piece);
    if (!merge(messages, answers, fits, ({ length }) => length))
      found.push(`bytes received (${total}) are not the first of those sent (${stream.length})`);
  }
  const orderly = !end.broken && end.kills.length === 0 && peer.kills.length === 0 && !end.ownEnd;
  const ended =
    end.toldByCall.length > 0 || end.delivered.some(({ message }) => message.type === 'ssl_closed');
  if (orderly && ended && peer.ownEnd) {
    const last = peer.sent.findLastIndex(({ acknowledged }) => acknowledged);
    const owed = sum(peer.sent.slice(0, last + 1).map((one) => one.data));
    if (total + end.lostToRecv < owed) found.push(`${total} B received of ${owed} B that were acknowledged`);
  }
  return found;
}

/**
 * Whether two sequences, each in its order, interleave to what fits. A message and the answer of a call cannot be
 * told apart in time to the step, since the caller hears its answer a little later.
 */
function merge(
  first: readonly Uint8Array[],
  second: readonly Uint8Array[],
  fits: (piece: Uint8Array, at: number) => boolean,
  width: (piece: Uint8Array) => number,
): boolean {
  const tried = new Set<number>();
  const open: [number, number, number][] = [[0, 0, 0]];
  for (;;) {
    const state = open.pop();
    if (state === undefined) return false;
    const [i, j, at] = state;
    const a = first[i];
    const b = second[j];
    if (a === undefined && b === undefined) return true;
    const key = i * (second.length + 1) + j;
    if (tried.has(key)) continue;
    tried.add(key);
    if (b !== undefined && fits(b, at)) open.push([i, j + 1, at + width(b)]);
    if (a !== undefined && fits(a, at)) open.push([i + 1, j, at + width(a)]);
  }
}

function sum(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((total, { length }) => total + length, 0);
}

function isSend(request: unknown): request is { readonly type: 'send'; readonly data: Buffer } {
  return (
    typeof request === 'object' &&
    request !== null &&
    'type' in request &&
    request.type === 'send' &&
    'data' in request &&
    request.data instanceof Uint8Array
  );
}

export function bytesOf(data: ssl.ReceivedData): Buffer {
  if (data instanceof Uint8Array) return Buffer.from(data.buffer, data.byteOffset, data.length);
  if (Array.isArray(data))
    return Buffer.from(data.filter((item): item is number => typeof item === 'number'));
  throw new TypeError('raw and packet modes give bytes');
}

function describeMessage(message: ssl.SslMessage): string {
  switch (message.type) {
    case 'ssl':
      return `ssl ${bytesOf(message.data).length} B`;
    case 'ssl_error':
      return `ssl_error ${describe(message.reason)}`;
    case 'ssl_closed':
    case 'ssl_passive':
    case 'session_ticket':
    case 'early_data':
      return message.type;
  }
}

function describe(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return `${value.length} B`;
  if (value instanceof ssl.SslSocket || value instanceof ssl.SslListenSocket) return value.toString();
  if (Array.isArray(value) && value.length > 20) return `[${value.length}]`;
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return `{${Object.entries(value)
      .slice(0, 4)
      .map(([key, inner]) => `${key}: ${describe(inner)}`)
      .join(', ')}}`;
  return JSON.stringify(value) ?? String(value);
}
