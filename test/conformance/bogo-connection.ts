/** One connection of a test: our core over a socket, doing what the flags say. */
import { connect, type Socket } from 'node:net';
import {
  Core,
  chainOf,
  type Facts,
  type Failure,
  type PskWish,
  reasons,
  Secret,
  type SessionWish,
  type Sink,
  type StapleWish,
  schemeOf,
  sealNewSessionTickets,
} from '@actor-tls/ssl/core';
import { mismatch } from './bogo-expectations.js';
import type { Flags } from './bogo-flags.js';
import { isHello } from './bogo-hello.js';
import { findKey } from './bogo-imported.js';
import { verdictOf } from './bogo-judge.js';
import { type Material, materialOf, rawBytes, Unimplemented } from './bogo-material.js';
import type { Memory, Seen, Taken } from './bogo-memory.js';
import { framed, Packets } from './bogo-packets.js';
import { newTicket } from './bogo-sessions.js';
import { isOf13, type Wishes } from './bogo-terms.js';

const unimplemented = 89;
const violated = 90;
/** As BoringSSL's server sends. */
const ticketsPerConnection = 2;

/** How a connection went: the exit code, and why. */
export interface Outcome {
  readonly code: number;
  readonly text: string;
}

/** Which connection of a test it is. */
export interface Task {
  readonly flags: Flags;
  /** What holds once early data was refused. */
  readonly retryFlags: Flags;
  readonly wishes: Wishes;
  readonly isResume: boolean;
}

/** Runs it to its end; the peer has had its say, too. */
export async function runConnection(task: Task, memory: Memory): Promise<Outcome> {
  try {
    const material = materialOf(task.flags, task.wishes, memory);
    return await new Connection(task, memory, material).done;
  } catch (error) {
    if (error instanceof Unimplemented) return { code: unimplemented, text: error.message };
    throw error;
  }
}

class Connection implements Sink {
  readonly done: Promise<Outcome>;
  /** Those of the retry, once early data was refused. */
  #flags: Flags;
  readonly #task: Task;
  readonly #memory: Memory;
  readonly #material: Material;
  readonly #core: Core;
  readonly #socket: Socket;
  /** Of DTLS. */
  readonly #packets: Packets | undefined;
  #facts: Facts | undefined = undefined;
  #staple: Uint8Array | undefined = undefined;
  #taken: Taken | undefined = undefined;
  /** The session of TLS 1.2 or before that a server goes on with. */
  #found: Seen | undefined = undefined;
  /** Its ticket for the session of TLS 1.2 or before that it makes. */
  #given: Uint8Array | undefined = undefined;
  #renegotiations = 0;
  /** What is to be sent once a handshake that runs again is complete. */
  readonly #held: Uint8Array[] = [];
  #outcome: Outcome | undefined = undefined;
  #closeNotify = false;
  #tickets = 0;
  #ticketAllowsEarly = false;
  /** Bytes of the first writes that went as early data. */
  #early = 0;
  readonly #peerHellos: Uint8Array[] = [];
  readonly #ownHellos: Uint8Array[] = [];
  readonly deliverEarly?: NonNullable<Sink['deliverEarly']>;
  readonly askHello?: NonNullable<Sink['askHello']>;
  readonly askPsk?: NonNullable<Sink['askPsk']>;
  readonly askUser?: NonNullable<Sink['askUser']>;
  readonly askSession?: NonNullable<Sink['askSession']>;
  readonly askTicket?: NonNullable<Sink['askTicket']>;

  constructor(task: Task, memory: Memory, material: Material) {
    const { flags } = task;
    this.#flags = flags;
    this.#task = task;
    this.#memory = memory;
    this.#material = material;
    if (flags.has('server') && flags.has('enable-early-data'))
      this.deliverEarly = (data) => this.#echo(data, 'early');
    if (flags.has('server')) this.askPsk = (wish) => this.#findPsk(wish);
    if (flags.has('fail-ddos-callback')) this.askHello = () => this.#reject();
    this.askSession = (wish) => this.#findSession(wish);
    if (!flags.has('no-ticket')) this.askTicket = () => this.#giveTicket();
    if (flags.has('psk')) this.askUser = (wish) => this.#findUser(wish);
    const { server, client } = material;
    this.#packets = flags.has('dtls') ? this.#openPackets() : undefined;
    this.#core = flags.has('server') ? Core.server(server, this) : Core.client(client, this);
    const port = flags.number('port') ?? 0;
    const host = flags.has('ipv6') ? '::1' : '127.0.0.1';
    this.#socket = connect({ host, port, noDelay: true, allowHalfOpen: true });
    this.done = this.#run();
  }

  #run(): Promise<Outcome> {
    const socket = this.#socket;
    const core = this.#core;
    socket.on('connect', () => this.#begin());
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('end', () => {
      core.receiveEnd();
      this.#finish(1, 'end of stream');
    });
    // The peer may have gone before it read everything: what counts is what was said.
    socket.on('error', (error) => {
      if (this.#facts === undefined) this.#fail(String(error));
    });
    return new Promise((resolve) => {
      socket.on('close', () => resolve(this.#outcome ?? { code: 1, text: 'the connection broke' }));
    });
  }

  #receive(chunk: Buffer): void {
    if (this.#packets !== undefined) {
      this.#packets.feed(chunk);
      return;
    }
    if (!this.#flags.has('async')) {
      this.#core.receive(chunk);
      return;
    }
    // Each byte by itself, as an asynchronous transport might bring them.
    for (let at = 0; at < chunk.length; at += 1) this.#core.receive(chunk.subarray(at, at + 1));
  }

  /** Datagrams, and the words between them. */
  #openPackets(): Packets {
    return new Packets({
      packet: (datagram) => this.#core.receive(new Uint8Array(datagram)),
      answer: (bytes) => this.#socket.write(bytes),
      timeUp: () => this.#core.timeUp(),
      violated: (what) => this.#finish(violated, what),
      unimplemented: (what) => this.#finish(unimplemented, what),
    });
  }

  timer(ms: number | undefined): void {
    this.#packets?.setTimer(ms);
  }

  /** Says how it went; the connection ends once the peer has had its say too. */
  #finish(code: number, text: string): void {
    this.#outcome ??= { code, text };
    this.#socket.end();
  }

  #fail(text: string): void {
    this.#finish(1, text);
  }

  #begin(): void {
    const id = Buffer.alloc(8);
    id.writeBigUInt64LE(BigInt(this.#flags.value('shim-id') ?? '0'));
    this.#socket.write(id);
    this.#core.start();
    if (this.#flags.has('shim-writes-first')) this.#writeEarly();
  }

  /** The first writes, but for the bytes that have gone early. */
  #firstWrites(skipped: number): Uint8Array[] {
    const bytes = Buffer.from(this.#flags.value('shim-initial-write') ?? 'hello', 'latin1');
    const times = this.#flags.number('repeat-shim-initial-write') ?? 1;
    return Array.from({ length: times }, (_, at) =>
      bytes.subarray(Math.max(0, skipped - at * bytes.length)),
    ).filter(({ length }) => length > 0);
  }

  /** What does not fit into early data is sent when the handshake is complete. */
  #writeEarly(): void {
    const { resumption } = this.#material.client;
    const allowed = resumption?.psks[0]?.earlyData?.maxSize ?? 0;
    for (const whole of this.#firstWrites(0)) {
      const data = whole.subarray(0, allowed - this.#early);
      if (data.length === 0 || !this.#core.sendEarlyData(data)) return;
      this.#early += data.length;
    }
  }

  // What the core says.

  write(pieces: readonly Uint8Array[]): void {
    this.#socket.cork();
    for (const piece of pieces)
      this.#socket.write(this.#packets === undefined ? new Uint8Array(piece) : framed(piece));
    this.#socket.uncork();
  }

  deliver(data: Uint8Array): void {
    this.#echo(data, 'established');
  }

  #echo(data: Uint8Array, when: 'early' | 'established'): void {
    const core = this.#core;
    const flags = this.#flags;
    if (flags.has('key-update')) core.updateKeys('write');
    const size = flags.number('read-size') ?? (flags.has('dtls') ? 16_384 : 512);
    for (let at = 0; at < data.length; at += size) {
      if (at > 0 && flags.has('key-update-before-read')) core.updateKeys('write');
      const answer = data.slice(at, at + size).map((byte) => byte ^ 0xff);
      if (when === 'early') core.sendHalfRtt(answer);
      else this.#send(answer);
    }
    if (flags.has('key-update-before-read')) core.updateKeys('write');
  }

  /** Nothing is sent while a handshake runs again. */
  #send(data: Uint8Array): void {
    if (this.#held.length > 0 || !this.#core.send(data)) this.#held.push(data);
  }

  #sendHeld(): void {
    const held = this.#held.splice(0);
    for (const data of held) this.#send(data);
  }

  established(learned: Facts): void {
    if (this.#facts === undefined) this.#begun(learned);
    else this.#renegotiated(learned);
  }

  /** A handshake has run again: the connection stays what it was, and goes on. */
  #renegotiated(learned: Facts): void {
    this.#renegotiations += 1;
    const problem = this.#mismatch(learned);
    if (problem !== undefined) this.#finish(violated, problem);
    else this.#sendHeld();
  }

  renegotiationRefused(): void {
    this.#sendHeld();
  }

  #begun(learned: Facts): void {
    const { retryFlags } = this.#task;
    this.#facts = learned;
    const seen = this.#seen(learned);
    if (learned.role === 'client' && learned.earlyData === 'rejected') {
      if (!this.#flags.has('expect-reject-early-data')) {
        this.#finish(violated, 'early data was rejected');
        return;
      }
      this.#flags = retryFlags;
      this.#early = 0;
    }
    const problem = this.#mismatch(learned);
    this.#keepOlder(learned, seen);
    if (problem === undefined && this.#judgesAgain(learned)) return;
    if (problem === undefined) this.#speak(learned);
    else this.#finish(violated, problem);
  }

  /**
   * A client may judge the certificate of a session that it resumes, or would have resumed with early data, once the connection
   * stands; true: it is refused.
   */
  #judgesAgain({ peer, sessionResumption, earlyData, role }: Facts): boolean {
    const flags = this.#flags;
    if (!flags.has('reverify-on-resume') || role === 'server') return false;
    if (!sessionResumption && earlyData !== 'rejected') return false;
    const verdict = verdictOf(chainOf(peer), 'signature', flags);
    if (!('reject' in verdict)) return false;
    this.#outcome ??= { code: 1, text: ':CERTIFICATE_VERIFY_FAILED:' };
    this.#core.fail('certificate_unknown');
    return true;
  }

  #mismatch(learned: Facts): string | undefined {
    return mismatch(this.#flags, learned, {
      ...this.#seen(learned),
      ...{
        isResume: this.#task.isResume && this.#renegotiations === 0,
        isRenegotiation: this.#renegotiations > 0,
        peerHellos: this.#peerHellos,
        ownHellos: this.#ownHellos,
        ageSkew: this.#taken?.ageSkew,
      },
    });
  }

  /** What a connection of TLS 1.2 or before leaves. */
  #keepOlder(learned: Facts, seen: Seen): void {
    if (learned.role === 'client') this.#memory.keepOlder(learned, seen);
    else this.#memory.older.register(learned, seen, this.#given);
  }

  /** What of the peer is known from here or from the connection that this one resumes. */
  #seen({ peer, sessionResumption, role }: Facts): Seen {
    const { session, older } = this.#memory;
    const before = role === 'client' ? (session ?? older.seen) : (this.#taken ?? this.#found);
    const kept = sessionResumption ? before : undefined;
    return { scheme: schemeOf(peer) ?? kept?.scheme, staple: this.#staple ?? kept?.staple };
  }

  peerClosed(): void {
    const facts = this.#facts;
    if (facts === undefined) {
      // A close_notify or an end of stream where a handshake should be.
      this.#fail(`${this.#closeNotify ? 'close_notify' : 'end of stream'} during the handshake`);
      return;
    }
    if (this.#flags.has('check-close-notify') && !this.#closeNotify) {
      this.#fail('Unexpected SSL_shutdown result: -1 != 1');
      return;
    }
    this.#core.close();
    const problem = this.#ticketMismatch(facts) ?? this.#countMismatch();
    this.#finish(problem === undefined ? 0 : violated, problem ?? '');
  }

  #countMismatch(): string | undefined {
    const expected = this.#flags.number('expect-total-renegotiations') ?? 0;
    return expected === this.#renegotiations ? undefined : `${this.#renegotiations} renegotiations`;
  }

  /** A client of TLS 1.3 expects to be given tickets, unless it was told otherwise or has not read on. */
  #ticketMismatch({ role, protocol }: Facts): string | undefined {
    const flags = this.#flags;
    if (role !== 'client' || !isOf13(protocol) || flags.has('shim-shuts-down')) return undefined;
    const expected = !flags.has('expect-no-session');
    if (expected !== this.#tickets > 0) return `${this.#tickets} tickets`;
    return expected && flags.has('expect-ticket-supports-early-data') !== this.#ticketAllowsEarly
      ? 'early data of the ticket'
      : undefined;
  }

  failed(failure: Failure): void {
    this.#fail(words(failure));
  }

  ticket(...[received]: Parameters<NonNullable<Sink['ticket']>>): void {
    const facts = this.#facts;
    if (facts === undefined || received.lifetime === 0) return;
    this.#tickets += 1;
    this.#ticketAllowsEarly = (received.maxEarlyDataSize ?? 0) > 0;
    this.#memory.keep(received, facts, this.#seen(facts));
  }

  askVerdict(...[chain, staple, use]: Parameters<Sink['askVerdict']>): void {
    const flags = this.#flags;
    this.#staple = staple;
    if (flags.has('fail-ocsp-callback') && !flags.has('server')) {
      this.#outcome ??= { code: 1, text: ':OCSP_CB_ERROR:' };
      this.#core.answerVerdict({ reject: { alert: 'bad_certificate_status_response', detail: 'ocsp' } });
      return;
    }
    this.#core.answerVerdict(verdictOf(chain, use, flags));
  }

  askSignature(): void {
    throw new Error('no key is elsewhere');
  }

  askStaple({ identity }: StapleWish): void {
    if (this.#flags.has('fail-ocsp-callback')) {
      this.#outcome ??= { code: 1, text: ':OCSP_CB_ERROR:' };
      this.#core.fail('internal_error');
      return;
    }
    const own = this.#material.owned.find((candidate) => candidate.identity === identity);
    this.#core.answerStaple(this.#flags.has('decline-ocsp-callback') ? undefined : own?.staple);
  }

  /** What a server may do that is overrun. */
  #reject(): void {
    this.#outcome ??= { code: 1, text: ':CONNECTION_REJECTED:' };
    this.#core.fail('internal_error');
  }

  #findPsk(wish: PskWish): void {
    const found = this.#flags.has('no-ticket')
      ? undefined
      : this.#memory.find(wish, this.#flags.has('enable-early-data'));
    this.#taken = found;
    const version = this.#flags.has('dtls') ? 'dtlsv1.3' : 'tlsv1.3';
    this.#core.answerPsk(found ?? findKey(wish, this.#flags.imported, version));
  }

  #findSession(wish: SessionWish): void {
    const found = this.#memory.older.find(wish, !this.#flags.has('no-ticket'));
    this.#found = found;
    this.#core.answerSession(found?.session);
  }

  #giveTicket(): void {
    const given = this.#flags.has('skip-ticket') ? undefined : newTicket();
    this.#given = given?.ticket;
    this.#core.answerTicket(given);
  }

  #findUser(wish: Parameters<NonNullable<Sink['askUser']>>[0]): void {
    const identity = Buffer.from(rawBytes(this.#flags.value('psk-identity')) ?? []);
    const key = rawBytes(this.#flags.value('psk')) ?? new Uint8Array();
    const known = wish.kind === 'psk' && (wish.identity === undefined || identity.equals(wish.identity));
    const user = { kind: 'psk', identity, key: new Secret(new Uint8Array(key)) } as const;
    this.#core.answerUser(known ? user : undefined);
  }

  owes(): void {
    throw new Error('nothing was split');
  }

  trace(direction: 'in' | 'out', kind: string, bytes: Uint8Array): void {
    if (direction === 'out') {
      if (kind === 'handshake' && isHello(bytes)) this.#ownHellos.push(new Uint8Array(bytes));
      return;
    }
    if (kind === 'alert' && bytes[1] === 0) this.#closeNotify = true;
    if (kind === 'message') this.#traceMessage(bytes);
  }

  /** A message of the peer. */
  #traceMessage(bytes: Uint8Array): void {
    if (isHello(bytes)) this.#peerHellos.push(new Uint8Array(bytes));
  }

  // After the handshake.

  #speak(learned: Facts): void {
    const flags = this.#flags;
    const core = this.#core;
    if (learned.role === 'server' && isOf13(learned.protocol) && !givesNoTickets(flags))
      this.#sendTickets(learned);
    if (!this.#sendSecrets(learned)) return;
    if (flags.has('send-alert')) {
      this.#outcome ??= { code: 0, text: '' };
      core.fail('decompression_failure');
      return;
    }
    if (flags.has('write-different-record-sizes')) {
      for (const size of [0, 1, 255, 256, 257, 16383, 16384, 16385, 32767, 32768, 32769]) {
        core.send(new Uint8Array(size).fill(0x42));
      }
    }
    if (flags.has('shim-writes-first')) for (const data of this.#firstWrites(this.#early)) core.send(data);
    if (flags.has('shim-shuts-down')) {
      core.close();
      // With -check-close-notify it is the peer's turn first.
      if (!flags.has('check-close-notify')) this.#finish(0, '');
      return;
    }
    if (flags.has('key-update-before-read')) core.updateKeys('write');
  }

  #sendTickets(learned: Facts): void {
    const write = this.#core.split();
    const seen = this.#seen(learned);
    const early = this.#flags.has('enable-early-data');
    const secretOf = (nonce: Uint8Array): Secret | undefined => this.#core.ticketPsk(nonce);
    const tickets = Array.from({ length: ticketsPerConnection }, () =>
      this.#memory.issue(learned, secretOf, this.#taken, seen, early),
    );
    this.write(
      sealNewSessionTickets(
        write,
        tickets.flatMap((ticket) => ticket ?? []),
      ),
    );
    this.#core.join(write);
  }

  /** What BoGo wants to see of our secrets; false: there are none. */
  #sendSecrets({ exporter, secrets, role }: Facts): boolean {
    const flags = this.#flags;
    const length = flags.number('export-keying-material') ?? 0;
    if (length > 0) {
      const context = rawBytes(flags.value('export-context')) ?? new Uint8Array();
      const given = flags.has('use-export-context') ? context : undefined;
      this.#core.send(exporter.export(flags.value('export-label') ?? '', given, length));
    }
    if (!flags.has('export-traffic-secrets')) return true;
    if (secrets?.kind !== 'traffic') {
      this.#finish(violated, 'no secrets');
      return false;
    }
    const { serverTraffic0, clientTraffic0 } = secrets;
    const [reads, writes] =
      role === 'client' ? [serverTraffic0, clientTraffic0] : [clientTraffic0, serverTraffic0];
    this.#core.send(Buffer.concat([Uint8Array.of(reads.length & 0xff, reads.length >> 8), reads, writes]));
    return true;
  }
}

function givesNoTickets(flags: Flags): boolean {
  return flags.has('no-ticket') || flags.has('skip-ticket');
}

/** What BoringSSL calls it, what we call it. */
function words({ by, alert, reason, detail, state }: Failure): string {
  const name = typeof alert === 'string' ? alert : JSON.stringify(alert);
  if (by === 'peer')
    return `:TLSV1_ALERT_${name.toUpperCase()}: :SSLV3_ALERT_${name.toUpperCase()}: the peer says ${name}`;
  const theirs = reason === undefined ? undefined : reasons[reason].bogo;
  const more = detail instanceof Error ? (detail.stack ?? detail.message) : JSON.stringify(detail);
  return `:${theirs ?? '-'}: {${reason}} we say ${name} in ${state} ${more ?? ''}`;
}
