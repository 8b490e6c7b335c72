/** Two cores over datagrams in one process, with a clock of their own; each datagram may be lost, doubled, delayed or cut. */
import { Core, overDatagrams as channel } from '@actor-tls/ssl/core';
import { tls12Suite } from '../../packages/ssl/src/protocol/hello/suite.js';
import type { Session12, SessionWish } from '../../packages/ssl/src/protocol/tls12/session.js';
import type { FoundUser, UserWish } from '../../packages/ssl/src/protocol/tls12/user.js';
import { allSuites, type CipherSuite } from '../../packages/ssl/src/values/registry/suites.js';
import type { ProtocolVersion } from '../../packages/ssl/src/values/registry/versions.js';
import {
  acceptKnown,
  type ClientOverrides,
  clientOptions,
  engine,
  KeyedRecorder,
  type ServerOverrides,
  serverOptions,
  suites,
  tls12,
} from './two-cores.js';

/** Suites of a version of DTLS. */
export function dtlsSuites(version: 'dtlsv1.2' | 'dtlsv1' = 'dtlsv1.2'): readonly CipherSuite[] {
  return allSuites.filter((suite) => tls12Suite(suite, engine, version) !== undefined);
}

/** What happens to a datagram: when each copy of it arrives, ms from now, and what it then holds. */
export type Fate = (
  datagram: Uint8Array,
  index: number,
  from: 'client' | 'server',
) => readonly { readonly after: number; readonly bytes: Uint8Array }[];

export const intact: Fate = (bytes) => [{ after: 1, bytes }];

/** A sink whose timer and datagrams go to the link. */
export class DatagramRecorder extends KeyedRecorder {
  onWrite: (datagram: Uint8Array) => void = () => {};
  onTimer: (ms: number | undefined) => void = () => {};
  /** Of a server that keeps sessions. */
  askSession: ((wish: SessionWish) => void) | undefined;
  askTicket: ((session: Session12) => void) | undefined;

  override write(pieces: readonly Uint8Array[]): void {
    super.write(pieces);
    for (const piece of pieces) this.onWrite(new Uint8Array(piece));
  }
  timer(ms: number | undefined): void {
    this.onTimer(ms);
  }
}

export interface DatagramEnd {
  readonly core: Core;
  readonly sink: DatagramRecorder;
}

export interface DtlsWish {
  readonly versions?: readonly ProtocolVersion[];
  readonly client?: ClientOverrides;
  readonly server?: ServerOverrides;
  readonly onUser?: (wish: UserWish) => FoundUser | undefined;
}

/** A client and a server of DTLS. */
export function dtlsPair({
  versions = ['dtlsv1.2'],
  client = {},
  server = {},
  onUser = () => undefined,
}: DtlsWish = {}): { client: DatagramEnd; server: DatagramEnd } {
  const older = dtlsSuites(versions.includes('dtlsv1.2') ? 'dtlsv1.2' : 'dtlsv1');
  const common = {
    versions,
    ciphers: [
      ...suites.filter((row) => row.versions.some((version) => versions.includes(version))),
      ...tls12.ciphers.filter((row) => older.includes(row)),
    ],
    signatureAlgs: tls12.signatureAlgs,
  };
  const clientSink = new DatagramRecorder(acceptKnown, onUser);
  const serverSink = new DatagramRecorder(acceptKnown, onUser);
  const clientCore = Core.client(
    clientOptions({ channel, ...client, config: { ...common, ...client.config } }),
    clientSink,
  );
  const serverCore = Core.server(
    serverOptions({ channel, ...server, config: { ...common, ...server.config } }),
    serverSink,
  );
  clientSink.core = clientCore;
  serverSink.core = serverCore;
  return { client: { core: clientCore, sink: clientSink }, server: { core: serverCore, sink: serverSink } };
}

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** Carries datagrams between two ends, and rings their timers. */
export class DatagramLink {
  now = 0;
  /** Datagrams that were sent, by whom. */
  readonly sent: { readonly from: 'client' | 'server'; readonly bytes: Uint8Array }[] = [];
  #events: Event[] = [];
  #order = 0;
  readonly #fate: Fate;

  constructor(client: DatagramEnd, server: DatagramEnd, fate: Fate = intact) {
    this.#fate = fate;
    this.#join(client, server, 'client');
    this.#join(server, client, 'server');
  }

  /** Runs until nothing is left to happen, or so many ms have passed. */
  run(until = 600_000): void {
    for (;;) {
      this.#events.sort((a, b) => a.at - b.at || a.order - b.order);
      const [next] = this.#events;
      if (next === undefined || next.at > until) return;
      this.#events.shift();
      this.now = next.at;
      next.run();
    }
  }

  #join(from: DatagramEnd, to: DatagramEnd, name: 'client' | 'server'): void {
    let timer: Event | undefined;
    from.sink.onWrite = (datagram) => {
      const index = this.sent.length;
      this.sent.push({ from: name, bytes: datagram });
      for (const { after, bytes } of this.#fate(datagram, index, name))
        this.#at(after, () => to.core.receive(new Uint8Array(bytes)));
    };
    from.sink.onTimer = (ms) => {
      this.#events = this.#events.filter((event) => event !== timer);
      timer = ms === undefined ? undefined : this.#at(ms, () => from.core.timeUp());
    };
  }

  #at(after: number, run: () => void): Event {
    const event = { at: this.now + after, order: this.#order++, run };
    this.#events.push(event);
    return event;
  }
}
