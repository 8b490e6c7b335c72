/**
 * OTP's dtls_packet_demux: the process that owns one UDP socket. It lets strangers in that bring their cookie back, each
 * as a transport of its own, and gives every peer its datagrams. A listener that closes lets its peers live: the socket
 * goes with the last of them.
 */
import type { Counts, CountsToTell, GenServer, Node, Self, Stop } from '@actor-tls/runtime';
import type { TransportOptions } from '../../options/config.js';
import { DtlsDoor, helloIn, mayBeHello, type StrangersHello } from '../../protocol/dtls-door.js';
import type { CryptoEngine } from '../../values/crypto/engine.js';
import type { Result } from '../../values/terms.js';
import { ConnectionIds } from '../transport/connection-ids.js';
import type { DatagramProvider, DatagramSocket } from '../transport/datagram.js';
import type { PathHost } from '../transport/peer-paths.js';
import { PeerTransport } from '../transport/peer-transport.js';
import type { AcceptReceiver, Address, TransportListener } from '../transport/transport.js';

export interface DemultiplexerArgs {
  readonly port: number;
  readonly options: TransportOptions;
  readonly provider: DatagramProvider;
  readonly engine: CryptoEngine;
  readonly receiver: AcceptReceiver;
  /** Bytes of the connection IDs that peers are given; 0: none. */
  readonly idLength: number;
  /** Called in `init` with what the listener will hold. */
  readonly made: (listener: TransportListener) => void;
}

interface Peer {
  readonly transport: PeerTransport;
  /** Random of the hello that it came with: another one is a new beginning. */
  readonly random: string;
  /** It has a connection ID, and is found by that wherever it goes. */
  isOpen: boolean;
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
): Result<TransportListener> | undefined {
  const isWanted = (address: string): boolean => (ip === undefined ? isAny(address) : address === ip);
  for (const demultiplexer of openByNode.get(node) ?? []) {
    const own = demultiplexer.sockname();
    if ('ok' in own && own.ok.port === port && isWanted(own.ok.address))
      return demultiplexer.listen(receiver, idLength)
        ? { ok: demultiplexer }
        : { error: 'already_listening' };
  }
  return undefined;
}

/** Bytes that wait in the socket: with more no stranger is answered, so that peers' flights do not wait behind replies. */
const strangersBacklog = 65_536;

export class Demultiplexer implements TransportListener, CountsToTell {
  readonly #self: Self;
  readonly #socket: DatagramSocket;
  readonly #door: DtlsDoor;
  /** By address, the newcomer where there are several: the others are found by their connection IDs. */
  readonly #peers: Map<string, Peer> = new Map();
  readonly #all: Set<PeerTransport> = new Set();
  readonly #ids: ConnectionIds<PeerTransport>;
  #receiver: AcceptReceiver | undefined;
  #dropped = 0;
  #asked = 0;

  constructor(self: Self, socket: DatagramSocket, { engine, receiver, idLength }: DemultiplexerArgs) {
    this.#self = self;
    this.#socket = socket;
    this.#receiver = receiver;
    this.#ids = new ConnectionIds((length) => engine.randomBytes(length), idLength);
    const { node } = self;
    this.#door = new DtlsDoor(engine, () => node.clock.now());
    openByNode.set(node, (openByNode.get(node) ?? new Set()).add(this));
  }

  /** What observers see. */
  toJSON(): object {
    return this.toldCounts();
  }

  toldCounts(): Counts {
    const places = this.#peers.size;
    return { peers: this.#all.size, places, ids: this.#ids.size, dropped: this.#dropped, asked: this.#asked };
  }

  sockname(): Result<Address> {
    return this.#socket.sockname();
  }

  /** Newcomers are this listener's, unless another has them. */
  listen(receiver: AcceptReceiver, idLength: number): boolean {
    if (this.#receiver !== undefined) return false;
    this.#ids.resize(idLength);
    this.#receiver = receiver;
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
    const peer = this.#peers.get(name);
    const holder = this.#ids.holderOf(bytes);
    if (holder !== undefined) holder.arrived(bytes, from);
    else if (peer === undefined) this.#stranger(bytes, from, name, this.#isOpen ? helloIn(bytes) : undefined);
    else if (!mayBeHello(bytes)) peer.transport.arrived(bytes, from);
    else this.#helloOfPeer(peer, bytes, from, name);
  }

  /** The socket is gone. */
  lost(reason: string | undefined): void {
    openByNode.get(this.#self.node)?.delete(this);
    for (const transport of this.#all) transport.lost(reason);
    this.#all.clear();
    this.#peers.clear();
    this.#receiver?.onListenerClosed(reason);
    this.#receiver = undefined;
    this.#socket.close();
  }

  /** Whether nobody needs it any more. */
  get isIdle(): boolean {
    return this.#receiver === undefined && this.#all.size === 0;
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
    const answer = this.#isOpen ? this.#door.answer(hello, name) : undefined;
    if (answer?.kind === 'admit' && hello !== undefined) this.#admit(bytes, from, name, hello);
    else if (answer?.kind === 'ask' && this.#socket.backlog <= strangersBacklog)
      this.#ask(answer.reply, from);
    else this.#dropped += 1;
  }

  #ask(reply: Uint8Array, from: Address): void {
    this.#asked += 1;
    this.#socket.send(reply, from, ignore);
  }

  #admit(bytes: Uint8Array, from: Address, name: string, hello: StrangersHello): void {
    const before = this.#peers.get(name);
    // Who is found by an ID may be elsewhere by now, and somebody else here (RFC 9146 §6).
    if (before !== undefined && !before.isOpen) this.#replace(before);
    const random = nameOf(hello);
    const host: PathHost = {
      issueId: () => this.#ids.issue(transport),
      opened: () => {
        peer.isOpen = true;
      },
      moved: (away, to) => this.#moved(peer, away, to),
    };
    const transport: PeerTransport = new PeerTransport(this.#socket, from, () => this.#left(transport), host);
    const peer: Peer = { transport, random, isOpen: false };
    this.#peers.set(name, peer);
    this.#all.add(transport);
    transport.arrived(bytes, from);
    this.#receiver?.onAccept(transport);
  }

  #replace({ transport }: Peer): void {
    this.#forget(transport);
    transport.lost(undefined);
  }

  /** An address where somebody else has come meanwhile stays that one's. */
  #moved(peer: Peer, from: Address, to: Address): void {
    if (this.#peers.get(placeOf(from)) === peer) this.#peers.delete(placeOf(from));
    if (!this.#peers.has(placeOf(to))) this.#peers.set(placeOf(to), peer);
  }

  #forget(transport: PeerTransport): void {
    this.#all.delete(transport);
    this.#ids.retire(transport);
    const place = placeOf(transport.paths.current);
    if (this.#peers.get(place)?.transport === transport) this.#peers.delete(place);
  }

  #left(transport: PeerTransport): void {
    this.#forget(transport);
    if (this.isIdle) this.#self.node.ioTurnLater(this.#self.pid, leftTurn, this, undefined);
  }
}

function placeOf({ address, port }: Address): string {
  return `${address}|${port}`;
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
