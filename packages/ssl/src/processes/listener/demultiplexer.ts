/**
 * OTP's dtls_packet_demux: the process that owns one UDP socket. It lets strangers in that bring their cookie back, each
 * as a transport of its own, and gives every peer its datagrams. A listener that closes lets its peers live: the socket
 * goes with the last of them.
 */
import type { Counts, CountsToTell, GenServer, Node, Self, Stop } from '@actor-tls/runtime';
import type { TransportOptions } from '../../options/config.js';
import {
  type DoorAnswer,
  DtlsDoor,
  helloIn,
  mayBeHello,
  type StrangersHello,
} from '../../protocol/dtls-door.js';
import type { Dtls13Door } from '../../protocol/dtls13-door.js';
import type { CryptoEngine } from '../../values/crypto/engine.js';
import type { Result } from '../../values/terms.js';
import type { DatagramProvider, DatagramSocket } from '../transport/datagram.js';
import type { AcceptReceiver, Address, TransportListener } from '../transport/transport.js';
import { Peer, Peers, placeOf } from './peers.js';
import { UnprovedPeers } from './unproved-peers.js';

export interface DemultiplexerArgs {
  readonly port: number;
  readonly options: TransportOptions;
  readonly provider: DatagramProvider;
  readonly engine: CryptoEngine;
  /** For those who speak DTLS 1.3, where the listener does. */
  readonly door13?: Dtls13Door | undefined;
  readonly receiver: AcceptReceiver;
  /** Bytes of the connection IDs that peers are given; 0: none. */
  readonly idLength: number;
  /** Called in `init` with what the listener will hold. */
  readonly made: (listener: TransportListener) => void;
}

interface Datagram {
  readonly bytes: Uint8Array;
  readonly from: Address;
}

/**
 * The demultiplexers of a node. One whose listener has closed has its socket as long as it has peers: who listens at the
 * same port again gets it.
 */
const openByNode = new WeakMap<Node, Set<Demultiplexer>>();

/** Listens at a socket that is open already; `undefined`: no demultiplexer of this node has the port. */
export function listenAgain(
  node: Node,
  port: number,
  { ip }: TransportOptions,
  idLength: number,
  receiver: AcceptReceiver,
  door13?: Dtls13Door,
): Result<TransportListener> | undefined {
  const isWanted = (address: string): boolean => (ip === undefined ? isAny(address) : address === ip);
  for (const demultiplexer of openByNode.get(node) ?? []) {
    const own = demultiplexer.sockname();
    if ('ok' in own && own.ok.port === port && isWanted(own.ok.address))
      return demultiplexer.listen(receiver, idLength, door13)
        ? { ok: demultiplexer }
        : { error: 'already_listening' };
  }
  return undefined;
}

/** How a stranger is let in. */
type Admission = Extract<DoorAnswer, { readonly kind: 'admit' | 'trust' }>;

/** Bytes that wait in the socket: with more no stranger is answered, so that peers' flights do not wait behind replies. */
const strangersBacklog = 65_536;

export class Demultiplexer implements TransportListener, CountsToTell {
  readonly #self: Self;
  readonly #socket: DatagramSocket;
  readonly #door: DtlsDoor;
  readonly #peers: Peers;
  readonly #unproved: UnprovedPeers;
  #door13: Dtls13Door | undefined;
  #receiver: AcceptReceiver | undefined;
  #dropped = 0;
  #asked = 0;

  constructor(self: Self, socket: DatagramSocket, { engine, receiver, idLength, door13 }: DemultiplexerArgs) {
    this.#self = self;
    this.#socket = socket;
    this.#receiver = receiver;
    this.#peers = new Peers((length) => engine.randomBytes(length), idLength);
    this.#door13 = door13;
    const { node, pid } = self;
    this.#unproved = new UnprovedPeers(node.clock, (peer) => node.ioTurn(pid, expiredTurn, this, peer));
    this.#door = new DtlsDoor(engine, () => node.clock.now());
    openByNode.set(node, (openByNode.get(node) ?? new Set()).add(this));
  }

  /** What observers see. */
  toJSON(): object {
    return this.toldCounts();
  }

  toldCounts(): Counts {
    const { size: unproved } = this.#unproved;
    return { ...this.#peers.counts(), unproved, dropped: this.#dropped, asked: this.#asked };
  }

  sockname(): Result<Address> {
    return this.#socket.sockname();
  }

  /** Newcomers are this listener's, unless another has them. */
  listen(receiver: AcceptReceiver, idLength: number, door13?: Dtls13Door): boolean {
    if (this.#receiver !== undefined) return false;
    this.#peers.resizeIds(idLength);
    this.#receiver = receiver;
    this.#door13 = door13;
    return true;
  }

  /** No newcomers; whoever is there stays. */
  close(): void {
    const receiver = this.#receiver;
    this.#receiver = undefined;
    this.#self.node.ioTurnLater(this.#self.pid, leftTurn, this, undefined);
    if (receiver !== undefined) queueMicrotask(() => receiver.onListenerClosed(undefined));
  }

  /** A datagram came. */
  datagram({ bytes, from }: Datagram): void {
    const name = placeOf(from);
    const peer = this.#peers.byId(bytes) ?? this.#peers.at(name);
    if (peer === undefined) this.#stranger(bytes, from, name, this.#isOpen ? helloIn(bytes) : undefined);
    else if (!mayBeHello(bytes)) peer.transport.arrived(bytes, from);
    else this.#helloOfPeer(peer, bytes, from, name);
  }

  /** The socket is gone. */
  lost(reason: string | undefined): void {
    openByNode.get(this.#self.node)?.delete(this);
    this.#peers.lost(reason);
    this.#unproved.clear();
    this.#receiver?.onListenerClosed(reason);
    this.#receiver = undefined;
    this.#socket.close();
  }

  /** Whether nobody needs it any more. */
  get isIdle(): boolean {
    return this.#receiver === undefined && this.#peers.size === 0;
  }

  /** Whether newcomers are let in. */
  get #isOpen(): boolean {
    return this.#receiver !== undefined;
  }

  /** RFC 6347 §4.2.8: a peer that begins anew keeps its old connection until it has brought a cookie back. */
  #helloOfPeer(peer: Peer, bytes: Uint8Array, from: Address, name: string): void {
    const hello = helloIn(bytes);
    if (hello === undefined || nameOf(hello) === peer.random) peer.transport.arrived(bytes, from);
    else this.#stranger(bytes, from, name, hello);
  }

  #stranger(bytes: Uint8Array, from: Address, name: string, hello: StrangersHello | undefined): void {
    const answer = this.#isOpen ? this.#answer(hello, name) : undefined;
    if ((answer?.kind === 'admit' || answer?.kind === 'trust') && hello !== undefined)
      this.#admit(bytes, from, hello, answer);
    else if (answer?.kind === 'ask' && this.#socket.backlog <= strangersBacklog)
      this.#ask(answer.reply, from);
    else this.#dropped += 1;
  }

  #answer(hello: StrangersHello | undefined, name: string): DoorAnswer {
    const answer = (hello && this.#door13?.answer(hello, name)) ?? this.#door.answer(hello, name);
    return answer.kind === 'trust' && !this.#trusts(name) ? answer.otherwise : answer;
  }

  /** Nobody's connection goes for who has not proved to be there (RFC 6347 §4.2.8). */
  #trusts(name: string): boolean {
    const { backlog } = this.#socket;
    return !this.#unproved.isFull && this.#peers.at(name) === undefined && backlog <= strangersBacklog;
  }

  #ask(reply: Uint8Array, from: Address): void {
    this.#asked += 1;
    this.#socket.send(reply, from, ignore);
  }

  #admit(bytes: Uint8Array, from: Address, hello: StrangersHello, how: Admission): void {
    const peer: Peer = new Peer(this.#peers, this.#socket, from, nameOf(hello), () => this.#left(peer));
    const before = this.#peers.at(placeOf(from));
    if (before !== undefined) this.#unproved.left(before);
    peer.transport.cookies = this.#door13?.cookiesOf(placeOf(from), hello);
    if (how.kind === 'admit') peer.transport.roundTrip = how.roundTrip;
    this.#peers.add(peer);
    if (how.kind === 'trust') this.#unproved.add(peer);
    peer.transport.arrived(bytes, from);
    this.#receiver?.onAccept(peer.transport);
  }

  #left(peer: Peer): void {
    this.#unproved.left(peer);
    if (this.isIdle) this.#self.node.ioTurnLater(this.#self.pid, leftTurn, this, undefined);
  }
}

function isAny(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

function nameOf({ body }: StrangersHello): string {
  return Buffer.from(body.random).toString('latin1');
}

function leftTurn(demultiplexer: Demultiplexer): Stop<Demultiplexer> | undefined {
  return demultiplexer.isIdle ? { stop: 'normal', state: demultiplexer } : undefined;
}

function datagramTurn(demultiplexer: Demultiplexer, datagram: Datagram): void {
  demultiplexer.datagram(datagram);
}

function lostTurn(demultiplexer: Demultiplexer, reason: string | undefined): Stop<Demultiplexer> {
  demultiplexer.lost(reason);
  return { stop: 'normal', state: demultiplexer };
}

function expiredTurn(_demultiplexer: Demultiplexer, { transport }: Peer): void {
  if (transport.paths.unproved !== undefined) transport.destroy();
}

/** Callbacks of the process. `init` fails with what `gen_udp:open/2` would. */
export const demultiplexerServer: GenServer<Demultiplexer, DemultiplexerArgs> = {
  label: 'dtls_packet_demux',
  async init(self, args) {
    self.trapExit(true);
    const { node, pid } = self;
    let demultiplexer: Demultiplexer | undefined;
    const opened = await args.provider.open(args.port, args.options, {
      onDatagram(bytes, from) {
        if (demultiplexer !== undefined) node.ioTurn(pid, datagramTurn, demultiplexer, { bytes, from });
      },
      onSocketClosed(reason) {
        if (demultiplexer !== undefined) node.ioTurn(pid, lostTurn, demultiplexer, reason);
      },
    });
    if ('error' in opened) return { stop: opened.error };
    if (!self.alive) {
      opened.ok.close();
      return { stop: 'killed' };
    }
    demultiplexer = new Demultiplexer(self, opened.ok, args);
    // However this process ends, its peers hear of it.
    self.own(demultiplexer, lose);
    args.made(demultiplexer);
    return { ok: demultiplexer };
  },
  handleCall() {},
};

function lose(demultiplexer: Demultiplexer): void {
  demultiplexer.lost(undefined);
}

function ignore(): void {}
