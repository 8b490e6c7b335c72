/**
 * What a channel over datagrams knows of the connection IDs agreed on, and of where its peer is (RFC 9146 §6, RFC 9147 §9,
 * RFC 9853): it gives the check of addresses what it hears, and sends for it. The moving is its sink's.
 */
import type { Path } from '../values/path.js';
import type { Writer } from './channel.js';
import type { AgreedConnectionIds } from './extensions/connection-id.js';
import { firstWait } from './flight-machine.js';
import { type HeardRecord, type PathOutlet, PathValidation } from './path-validation.js';
import type { Sink } from './sink.js';
import type { ChannelSettings } from './stream-channel.js';

function noRandom(): never {
  throw new TypeError('a channel over datagrams needs randomness');
}

export class ChannelPaths implements PathOutlet {
  private readonly sink: Pick<Sink, 'write' | 'paths'>;
  private readonly random: (length: number) => Uint8Array;
  private readonly wait: number;
  private readonly writer: () => Writer;
  /** Where the first datagram came from, to which ours go. */
  private home: Path | undefined;
  /** Of a connection with IDs. */
  private validation: PathValidation | undefined = undefined;
  private ids: AgreedConnectionIds | undefined = undefined;
  /** The peer has moved, and what is sent next is for there. */
  onMoved: (() => void) | undefined = undefined;

  /** `writer`: who writes at the time; `home`: where the peer is, if that is known. */
  constructor(
    sink: Pick<Sink, 'write' | 'paths'>,
    { random = noRandom, flightTimeout = firstWait }: ChannelSettings,
    writer: () => Writer,
    home?: Path,
  ) {
    this.sink = sink;
    this.random = random;
    this.wait = flightTimeout;
    this.writer = writer;
    this.home = home;
  }

  /** Where the peer was at first. */
  get first(): Path | undefined {
    return this.home;
  }

  /** A datagram has come. */
  cameFrom(path: Path | undefined): void {
    this.home ??= path;
  }

  /** What the hellos of the handshake under way have agreed on. */
  agree(ids: AgreedConnectionIds | undefined): void {
    this.ids = ids;
  }

  /** Handshake done: RFC 9146 §6: it is by its ID that a record from elsewhere is the peer's. */
  begin(): void {
    const { ids } = this;
    if (ids !== undefined) this.validation ??= new PathValidation(this, this.home, this.random, this.wait);
    if (ids === undefined || ids.own.length === 0) this.validation?.end();
    else this.validation?.begin(ids.check, ids.checks);
  }

  /** Nothing is written any more. */
  end(): void {
    this.validation?.end();
  }

  /** An authentic record, before what it holds is looked at. */
  heard(record: HeardRecord): void {
    this.validation?.heard(record);
  }

  /** A message of a check; false: none was agreed on. */
  message(content: Uint8Array, path: Path | undefined): boolean {
    if (this.ids?.checks !== true) return false;
    this.validation?.message(content, path);
    return true;
  }

  timeUp(): void {
    this.validation?.timeUp();
  }

  // ── What the check asks for ─────────────────────────────────────────────────────────────────────────

  /** Whoever writes sends it. */
  sendTo(pathMessage: Uint8Array, path: Path | undefined): void {
    const writer = this.writer();
    if (writer === 'split') this.sink.paths?.owes({ pathMessage, path });
    else if (writer !== 'closed') {
      const pieces = writer.sealPathMessage(pathMessage);
      if (path === undefined || this.sink.paths === undefined) this.sink.write(pieces);
      else this.sink.paths.writeTo(pieces, path);
    }
  }

  open(): void {
    this.sink.paths?.open();
  }

  follow(path: Path): void {
    this.sink.paths?.follow(path);
    this.onMoved?.();
  }

  allow(path: Path, bytes: number): void {
    this.sink.paths?.allow(path, bytes);
  }

  forget(): void {
    this.sink.paths?.forget();
  }

  timer(ms: number | undefined): void {
    this.sink.paths?.timer(ms);
  }
}
