/**
 * An alert without keys, over datagrams: anybody can have sent it (RFC 6347 §4.1.2.7, RFC 9147 §4.5.2). It counts when the
 * time for an answer is over and nothing else has come.
 */
import type { Inbound } from './channel.js';

export class DoubtfulAlert {
  private data: Uint8Array | undefined = undefined;
  private believed = false;

  /** The first one is remembered. */
  heard(data: Uint8Array): void {
    this.data ??= new Uint8Array(data);
  }

  /** What was heard is believed, unless something comes after all. */
  timeUp(): void {
    this.believed = this.data !== undefined;
  }

  /** Something else has come. The next one has to wait as this one had. */
  forget(): void {
    this.data = undefined;
    this.believed = false;
  }

  /** When nothing else is here, not even what waits and was not looked at. */
  take(): Inbound | undefined {
    const { data, believed } = this;
    if (data === undefined || !believed) return undefined;
    this.forget();
    return { type: 'alert', data, owned: true };
  }
}
