/**
 * The receiving half of DTLS 1.3's record layer (RFC 9147 §4): datagrams in, records out. Sans-IO.
 *
 * What is malformed, of an epoch that nobody has, comes twice or does not open is passed over in silence and counted (§4.5.2).
 * Of each epoch that is kept there is one whose low bits a record can have, so that one key is tried for each. Records of
 * epochs to come wait within bounds as long as the handshake runs.
 */

import { ACK } from './ack.js';
import { type ContentType, contentType, MAX_PLAINTEXT } from './content-type.js';
import { DatagramReadHalf, type Waiting } from './datagram-read-half.js';
import { DTLS_HEADER_LENGTH, DTLS_MAJOR, sequenceIn } from './dtls-layout.js';
import { isUnified, type UnifiedHeader, unifiedHeaderAt } from './dtls13-header.js';
import type { Dtls13ReadKeys } from './dtls13-keys.js';

/** A record that came. */
export interface Dtls13Record {
  readonly type: ContentType | 'ack';
  readonly data: Uint8Array;
  /** 0: without keys, and so anybody can have sent it. */
  readonly epoch: number;
  readonly sequence: number;
}

interface ReadEpoch {
  readonly number: number;
  readonly keys: Dtls13ReadKeys;
}

/** §6.1: early data, of which none is read, and the keys of the handshake. */
const earlyDataEpoch = 1;
const handshakeEpoch = 2;
/** The present epoch and the one before: a peer that has not had our ACK writes under that (§8). */
const epochsKept = 2;

/** Of a record without keys: where it ends. */
type Found = UnifiedHeader | number;

export class Dtls13ReadHalf extends DatagramReadHalf<Dtls13Record, Found> {
  /** The newest first. */
  private epochs: readonly ReadEpoch[] = [];

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

  protected override find(datagram: Uint8Array, at: number): Found | undefined {
    return isUnified(datagram[at]) ? unifiedHeaderAt(datagram, at) : plainEnd(datagram, at);
  }

  protected override endOf(found: Found): number {
    return typeof found === 'number' ? found : found.end;
  }

  protected override read({ bytes }: Waiting, at: number, found: Found): Dtls13Record | undefined {
    return typeof found === 'number'
      ? this.readPlain(bytes, at, found)
      : this.readProtected(bytes, at, found);
  }

  private readPlain(datagram: Uint8Array, at: number, end: number): Dtls13Record | undefined {
    const type = recordType(datagram[at] ?? 0);
    const epoch = ((datagram[at + 3] ?? 0) << 8) | (datagram[at + 4] ?? 0);
    const data = datagram.subarray(at + DTLS_HEADER_LENGTH, end);
    if (this.settled || type === undefined || type === 'application_data' || datagram[at + 1] !== DTLS_MAJOR)
      return this.pass();
    if (epoch !== 0 || data.length > MAX_PLAINTEXT) return this.pass();
    return { type, data, epoch, sequence: sequenceIn(datagram, at) };
  }

  private readProtected(datagram: Uint8Array, at: number, header: UnifiedHeader): Dtls13Record | undefined {
    const epoch = this.epochs.find(({ number }) => (number & 3) === header.epochBits);
    if (epoch === undefined)
      return header.epochBits === earlyDataEpoch
        ? this.pass()
        : this.keep({ bytes: datagram.subarray(at, header.end), path: undefined });
    const opened = epoch.keys.open(datagram, at, header);
    const type = opened && recordType(opened.type);
    if (opened === undefined || type === undefined || opened.data.length > this.longest) return this.pass();
    return { type, data: opened.data, epoch: epoch.number, sequence: opened.sequence };
  }
}

function recordType(code: number): ContentType | 'ack' | undefined {
  return code === ACK ? 'ack' : contentType(code);
}

/** Where a record without keys ends; `undefined`: it does not stand whole in its datagram, as every record must. */
function plainEnd(datagram: Uint8Array, at: number): number | undefined {
  if (datagram.length - at < DTLS_HEADER_LENGTH) return undefined;
  const end = at + DTLS_HEADER_LENGTH + (((datagram[at + 11] ?? 0) << 8) | (datagram[at + 12] ?? 0));
  return end > datagram.length ? undefined : end;
}
