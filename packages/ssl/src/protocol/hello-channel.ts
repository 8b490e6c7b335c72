/**
 * The channel of a side that speaks DTLS 1.3 and has not agreed on a version yet: that of DTLS 1.2, whose records without keys
 * and whose hellos are those of 1.3 too (RFC 9147 §4, §5.3). Hellos of ours come in the form that enters the transcript of
 * 1.3; records that only 1.3 has wait within bounds.
 */
import type { Path } from '../values/path.js';
import { isDtls13Version, type ProtocolVersion } from '../values/registry/versions.js';
import type { Channel } from './channel.js';
import { FlightChannel } from './flight-channel.js';
import { Flight13Channel } from './flight13-channel.js';
import { numberedForm } from './record/datagram-form.js';
import { DTLS_HEADER_LENGTH } from './record/dtls-layout.js';
import { isUnified } from './record/dtls13-header.js';
import { EarlyWriter } from './record/early-epoch.js';
import type { WriteProtection } from './record/protection.js';
import type { ChannelSink } from './settings.js';
import type { ChannelSettings } from './stream-channel.js';

/** Pieces of datagrams, and their bytes, that wait for the version. */
const earlyPieces = 16;
const earlyLimit = 32_768;

export class HelloChannel extends FlightChannel {
  private readonly settings: ChannelSettings;
  /** `undefined`: it is agreed. */
  private aside: Uint8Array[] | undefined = [];
  private asideBytes = 0;
  /** Of a client. */
  earlyWriter: EarlyWriter | undefined = undefined;

  constructor(settings: ChannelSettings, recordVersion: number, sink: ChannelSink) {
    super(settings, recordVersion, sink);
    this.settings = settings;
  }

  override feed(datagram: Uint8Array, path?: Path): void {
    if (this.aside === undefined) {
      super.feed(datagram, path);
      return;
    }
    const end = plainPart(datagram);
    super.feed(datagram.subarray(0, end), path);
    if (end < datagram.length) this.keep(this.aside, datagram.subarray(end));
  }

  override get held(): number {
    return super.held + this.asideBytes;
  }

  writeEarlyWith(protection: WriteProtection | undefined): void {
    this.earlyWriter = protection && new EarlyWriter(protection, this.settings.mtu);
  }

  override addMessage(message: Uint8Array): void {
    super.addMessage(this.aside === undefined ? message : numberedForm(message, 0));
  }

  override agree(version: ProtocolVersion): Channel {
    const aside = this.aside ?? [];
    this.aside = undefined;
    this.asideBytes = 0;
    if (!isDtls13Version(version)) return this;
    const { settings, sink, earlyWriter } = this;
    const beginnings = this.handOver();
    const datagrams = [...beginnings.datagrams, ...aside];
    return new Flight13Channel({ settings, sink, ...beginnings, datagrams, earlyWriter });
  }

  private keep(aside: Uint8Array[], piece: Uint8Array): void {
    if (aside.length >= earlyPieces || this.asideBytes + piece.length > earlyLimit) return;
    aside.push(new Uint8Array(piece));
    this.asideBytes += piece.length;
  }
}

/** Where the records end that DTLS 1.2 has too. */
function plainPart(datagram: Uint8Array): number {
  let at = 0;
  while (at < datagram.length && !isUnified(datagram[at])) {
    if (datagram.length - at < DTLS_HEADER_LENGTH) return datagram.length;
    at += DTLS_HEADER_LENGTH + (((datagram[at + 11] ?? 0) << 8) | (datagram[at + 12] ?? 0));
  }
  return Math.min(at, datagram.length);
}
