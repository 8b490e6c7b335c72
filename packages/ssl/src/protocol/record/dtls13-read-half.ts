/**
 * The receiving half of DTLS 1.3's record layer (RFC 9147 §4): datagrams in, records out. Sans-IO.
 *
 * What is malformed, of an epoch that nobody has, comes twice or does not open is passed over in silence and counted (§4.5.2).
 * Of each epoch that is kept there is one whose low bits a record can have, so that one key is tried for each. Records of
 * epochs to come wait within bounds as long as the handshake runs.
 */

import type { Path } from '../../values/path.js';
import { sameBytes } from '../../values/wire/same-bytes.js';
import { ACK } from './ack.js';
import { type ContentType, datagramContentType, MAX_PLAINTEXT } from './content-type.js';
import { DatagramReadHalf, type Waiting } from './datagram-read-half.js';
import { DTLS_HEADER_LENGTH, DTLS_MAJOR, sequenceIn } from './dtls-layout.js';
import { isUnified, UNIFIED_ID_AT, type UnifiedHeader, unifiedHeaderAt } from './dtls13-header.js';
import type { Dtls13ReadKeys } from './dtls13-keys.js';
import { earlyEpoch } from './early-epoch.js';
import type { ReplayWindow } from './replay-window.js';
import type { Budget } from './turn-budget.js';

/** What a record holds. */
export type Dtls13Type = ContentType | 'ack' | 'return_routability_check';

/** A record that came. */
export interface Dtls13Record {
  readonly type: Dtls13Type;
  readonly data: Uint8Array;
  /** 0: without keys, and so anybody can have sent it. */
  readonly epoch: number;
  readonly sequence: number;
  /** Newer than all that came before it with keys. */
  readonly newest: boolean;
  /** The connection ID of ours that it bears. */
  readonly id: Uint8Array | undefined;
  /** Where its datagram came from, if that is known. */
  readonly path: Path | undefined;
  /** Bytes, header included. */
  readonly size: number;
  /** As in DTLS 1.2: without keys, and its number has come before. */
  readonly isCopy: boolean;
}

interface ReadEpoch {
  readonly number: number;
  readonly keys: Dtls13ReadKeys;
}

/** §6.1 */
const handshakeEpoch = 2;
/** The present epoch and the one before: a peer that has not had our ACK writes under that (§8). */
const epochsKept = 2;

/** Of a record without keys: where it ends. */
type Found = UnifiedHeader | number;

export class Dtls13ReadHalf extends DatagramReadHalf<Dtls13Record, Found> {
  /** The newest first. */
  private epochs: readonly ReadEpoch[] = [];
  /** Early data that is read; those of others are passed over unopened. */
  private earlyData: ReadEpoch | undefined = undefined;
  /** Those that records bear which come to us, all of one length; none: they have none. */
  private ids: readonly Uint8Array[] = [];
  private readonly plain: ReplayWindow;

  /** `plain`: the records without keys that have come already. */
  constructor(budget: Budget, plain: ReplayWindow) {
    super(budget);
    this.plain = plain;
  }

  /** The connection IDs that the peer was told of, of one length: every datagram with keys bears one of them (§4). */
  expectIds(ids: readonly Uint8Array[]): void {
    this.ids = ids;
  }

  /** The newest whose keys are here; 0: none are. */
  get epoch(): number {
    return this.epochs[0]?.number ?? 0;
  }

  get keys(): Dtls13ReadKeys | undefined {
    return this.epochs[0]?.keys;
  }

  /** The keys of the next epoch. What came before them is looked at now. */
  install(keys: Dtls13ReadKeys): void {
    const number = this.epoch === 0 ? handshakeEpoch : this.epoch + 1;
    this.epochs = [{ number, keys }, ...this.epochs].slice(0, epochsKept);
    this.lookAtEarly();
  }

  /** The keys of early data, beside the others until `settle` (§5.6). */
  installEarly(keys: Dtls13ReadKeys): void {
    this.earlyData = { number: earlyEpoch, keys };
  }

  override settle(): void {
    super.settle();
    this.earlyData = undefined;
  }

  protected override find(datagram: Uint8Array, at: number): Found | undefined {
    return isUnified(datagram[at])
      ? unifiedHeaderAt(datagram, at, this.ids[0]?.length ?? 0)
      : plainEnd(datagram, at);
  }

  protected override endOf(found: Found): number {
    return typeof found === 'number' ? found : found.end;
  }

  protected override read(datagram: Waiting, at: number, found: Found): Dtls13Record | undefined {
    return typeof found === 'number'
      ? this.readPlain(datagram, at, found)
      : this.readProtected(datagram, at, found);
  }

  private readPlain({ bytes: datagram, path }: Waiting, at: number, end: number): Dtls13Record | undefined {
    const type = recordType(datagram[at] ?? 0);
    const epoch = ((datagram[at + 3] ?? 0) << 8) | (datagram[at + 4] ?? 0);
    const data = datagram.subarray(at + DTLS_HEADER_LENGTH, end);
    if (this.settled || type === undefined || isOnlyProtected(type) || datagram[at + 1] !== DTLS_MAJOR)
      return this.pass();
    if (epoch !== 0 || data.length > MAX_PLAINTEXT) return this.pass();
    const sequence = sequenceIn(datagram, at);
    const isCopy = this.plain.meet(sequence);
    return { type, data, epoch, sequence, isCopy, newest: false, id: undefined, path, size: end - at };
  }

  private readProtected(datagram: Waiting, at: number, header: UnifiedHeader): Dtls13Record | undefined {
    const { bytes, path } = datagram;
    const { epochBits } = header;
    if (!this.isEarly(header) && !this.isOurs(datagram, at, header)) return this.pass();
    const epoch =
      this.epochs.find(({ number }) => (number & 3) === epochBits) ??
      (epochBits === earlyEpoch ? this.earlyData : undefined);
    if (epoch === undefined)
      return epochBits === earlyEpoch
        ? this.pass()
        : this.keep({ bytes: bytes.subarray(at, header.end), path, isOurs: true });
    const { keys } = epoch;
    const { forgeries } = keys;
    const opened = keys.open(bytes, at, header);
    // Whoever has guessed the ID gets one try with each datagram.
    if (header.idLength > 0 && keys.forgeries > forgeries) this.leaveRest(datagram);
    const type = opened && recordType(opened.type);
    // Who sends early data has not heard of our limit.
    const longest = epoch === this.earlyData ? MAX_PLAINTEXT : this.longest;
    if (opened === undefined || type === undefined || opened.data.length > longest) return this.pass();
    const { data, sequence } = opened;
    const newest = opened.newest && epoch.number === this.epoch;
    const id = header.idLength === 0 ? undefined : idIn(bytes, at, header);
    const size = header.end - at;
    return { type, data, epoch: epoch.number, sequence, isCopy: false, newest, id, path, size };
  }

  /** Who sends early data has not heard of an ID either. */
  private isEarly({ epochBits, idLength }: UnifiedHeader): boolean {
    return this.earlyData !== undefined && epochBits === earlyEpoch && idLength === 0;
  }

  /**
   * §4: the first record with keys of a datagram bears the ID, those behind it may; with another's the rest is not ours either.
   */
  private isOurs(datagram: Waiting, at: number, header: UnifiedHeader): boolean {
    if (this.ids.length === 0) return true;
    if (header.idLength === 0) return datagram.isOurs === true;
    const id = idIn(datagram.bytes, at, header);
    datagram.isOurs = this.ids.some((own) => sameBytes(own, id));
    if (!datagram.isOurs) this.leaveRest(datagram);
    return datagram.isOurs;
  }
}

function idIn(datagram: Uint8Array, at: number, { idLength }: UnifiedHeader): Uint8Array {
  return datagram.subarray(at + UNIFIED_ID_AT, at + UNIFIED_ID_AT + idLength);
}

/** Types that nobody believes without keys. */
function isOnlyProtected(type: Dtls13Type): boolean {
  return type === 'application_data' || type === 'return_routability_check';
}

function recordType(code: number): Dtls13Type | undefined {
  return code === ACK ? 'ack' : datagramContentType(code);
}

/** Where a record without keys ends; `undefined`: it does not stand whole in its datagram, as every record must. */
function plainEnd(datagram: Uint8Array, at: number): number | undefined {
  if (datagram.length - at < DTLS_HEADER_LENGTH) return undefined;
  const end = at + DTLS_HEADER_LENGTH + (((datagram[at + 11] ?? 0) << 8) | (datagram[at + 12] ?? 0));
  return end > datagram.length ? undefined : end;
}
