/** A core's channel in the hands of a test, which does with it what no core would. */

import type { WriteProtection } from '../../packages/ssl/src/protocol/record/protection.js';
import { WriteHalf } from '../../packages/ssl/src/protocol/record/write-half.js';
import type { ClientOptions } from '../../packages/ssl/src/protocol/settings.js';
import { StreamChannel } from '../../packages/ssl/src/protocol/stream-channel.js';

type ChannelMaker = NonNullable<ClientOptions['channel']>;

const nothing: Uint8Array = new Uint8Array(0);

export class HeldChannel extends StreamChannel {
  private readonly out: Parameters<ChannelMaker>[2];
  private keys: WriteProtection | undefined = undefined;

  constructor(...settings: Parameters<ChannelMaker>) {
    super(...settings);
    this.out = settings[2];
  }

  override installWriteKeys(keys: WriteProtection): void {
    super.installWriteKeys(this.followed(keys));
  }

  /**
   * A record such as a write half never makes, under its present keys and with its next sequence number, wherever the
   * half is.
   */
  forge(type: number, content: Uint8Array = nothing): Uint8Array {
    if (this.keys === undefined) throw new Error('no keys yet');
    return this.keys.sealShort(type, content);
  }

  /** Application data leaves at once, though the handshake is not complete. */
  sendTooEarly(data: Uint8Array): void {
    const { writer } = this;
    if (!(writer instanceof WriteHalf)) throw new Error('the write half is elsewhere');
    this.finishFlight();
    this.out.write(writer.sealApplicationData(data));
  }

  /** Remembers these keys, and those that come after them. */
  private followed(keys: WriteProtection): WriteProtection {
    this.keys = keys;
    const next = keys.next.bind(keys);
    keys.next = () => this.followed(next());
    return keys;
  }
}

/** The override that gives a core such a channel, and the channel once the core is there. */
export function holding(): {
  readonly override: { readonly channel: ChannelMaker };
  readonly channel: HeldChannel;
} {
  let channel: HeldChannel | undefined;
  return {
    override: {
      channel: (...settings) => {
        channel = new HeldChannel(...settings);
        return channel;
      },
    },
    get channel() {
      if (channel === undefined) throw new Error('no core has asked for its channel');
      return channel;
    },
  };
}
