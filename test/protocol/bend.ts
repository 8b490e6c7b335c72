/** A peer that misbehaves: real cores whose messages are changed on their way into the record layer. */
import type { MessageTable } from '../../packages/ssl/src/values/wire/message-table.js';
import type { RawExtension } from '../../packages/ssl/src/values/wire/messages/extension.js';
import {
  type Tls12Bodies,
  type Tls12MessageType,
  tls12Messages,
} from '../../packages/ssl/src/values/wire/tls12-messages.js';
import {
  type HandshakeType,
  type Tls13Bodies,
  tls13Messages,
} from '../../packages/ssl/src/values/wire/tls13-messages.js';
import { HeldChannel } from './held-channel.js';
import {
  type ClientOverrides,
  client,
  type End,
  exchange,
  type ServerOverrides,
  server,
} from './two-cores.js';

/** What goes out instead of a message; the sender's transcript keeps the original. */
export type Bend = (
  type: HandshakeType | Tls12MessageType,
  message: Uint8Array,
  channel: HeldChannel,
) => readonly Uint8Array[];

/** Runs a whole handshake in which one side's messages are bent. */
export function bentHandshake(
  from: 'client' | 'server',
  bend: Bend,
  clientOverrides: ClientOverrides = {},
  serverOverrides: ServerOverrides = {},
): { readonly client: End; readonly server: End } {
  const ends = {
    client: client(from === 'client' ? { ...clientOverrides, ...bent(bend) } : clientOverrides),
    server: server(from === 'server' ? { ...serverOverrides, ...bent(bend) } : serverOverrides),
  };
  ends.client.core.start();
  exchange(ends.client, ends.server);
  return ends;
}

/** The override that bends a side's messages. */
export function bent(bend: Bend): Required<Pick<ClientOverrides & ServerOverrides, 'channel'>> {
  return { channel: (...settings) => new BentChannel(bend, ...settings) };
}

/** Sends something else than it was given. */
class BentChannel extends HeldChannel {
  private readonly bend: Bend;

  constructor(bend: Bend, ...settings: ConstructorParameters<typeof HeldChannel>) {
    super(...settings);
    this.bend = bend;
  }

  override addMessage(message: Uint8Array): void {
    const code = message[0] ?? 0;
    const type = tls13Messages.byCode(code) ?? tls12Messages.byCode(code);
    for (const bent of type === undefined ? [message] : this.bend(type, message, this))
      super.addMessage(bent);
  }
}

/** Changes the body of messages of one type; the first one only. */
export function change<K extends HandshakeType>(
  type: K,
  rewrite: (body: Tls13Bodies[K]) => Tls13Bodies[K],
): Bend {
  return changeOf(tls13Messages, type, rewrite);
}

/** The same for a message of TLS 1.2. */
export function change12<K extends Tls12MessageType>(
  type: K,
  rewrite: (body: Tls12Bodies[K]) => Tls12Bodies[K],
): Bend {
  return changeOf(tls12Messages, type, rewrite);
}

function changeOf<Bodies, K extends keyof Bodies & string>(
  messages: MessageTable<Bodies>,
  type: K,
  rewrite: (body: Bodies[K]) => Bodies[K],
): Bend {
  let done = false;
  return (actual, message) => {
    if (actual !== type || done) return [message];
    done = true;
    return [messages.encode(type, rewrite(messages.decode(type, message)))];
  };
}

/** A list of extensions without one, or with another value for it. */
export function without(extensions: readonly RawExtension[], code: number): readonly RawExtension[] {
  return extensions.filter(({ extensionType }) => extensionType !== code);
}

export function replaced(
  extensions: readonly RawExtension[],
  code: number,
  data: readonly number[] | Uint8Array,
): readonly RawExtension[] {
  return extensions.map((extension) =>
    extension.extensionType === code
      ? { extensionType: code, extensionData: Uint8Array.from(data) }
      : extension,
  );
}

export function extension(code: number, data: readonly number[] = []): RawExtension {
  return { extensionType: code, extensionData: Uint8Array.from(data) };
}

/** An unprotected record. */
export function plainRecord(
  type: number,
  content: Uint8Array | readonly number[],
  version = 0x0303,
): Uint8Array {
  return Uint8Array.from([
    type,
    version >> 8,
    version & 255,
    content.length >> 8,
    content.length & 255,
    ...content,
  ]);
}
