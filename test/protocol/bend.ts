/** A peer that misbehaves: real cores whose messages are changed on their way into the record layer. */
import { vi } from 'vitest';
import { StreamTransport } from '../../packages/ssl/src/protocol/stream-transport.js';
import {
  type HandshakeBodies,
  type HandshakeType,
  tls13Messages,
} from '../../packages/ssl/src/values/wire/handshake.js';
import type { MessageTable } from '../../packages/ssl/src/values/wire/message-table.js';
import type { RawExtension } from '../../packages/ssl/src/values/wire/messages/extension.js';
import {
  type Tls12Bodies,
  type Tls12MessageType,
  tls12Messages,
} from '../../packages/ssl/src/values/wire/tls12-messages.js';
import {
  type ClientOverrides,
  client,
  type End,
  exchange,
  type Recorder,
  type ServerOverrides,
  server,
} from './two-cores.js';

/** What goes out instead of a message; the sender's transcript keeps the original. */
export type Bend = (
  type: HandshakeType | Tls12MessageType,
  message: Uint8Array,
  transport: StreamTransport,
) => readonly Uint8Array[];

/** Runs a whole handshake in which one side's messages are bent. */
export function bentHandshake(
  from: 'client' | 'server',
  bend: Bend,
  clientOverrides: ClientOverrides = {},
  serverOverrides: ServerOverrides = {},
): { readonly client: End; readonly server: End } {
  const original = StreamTransport.prototype.addMessage;
  let sender: Recorder | undefined;
  const spy = vi.spyOn(StreamTransport.prototype, 'addMessage').mockImplementation(function (
    this: StreamTransport,
    message: Uint8Array,
  ) {
    const code = message[0] ?? 0;
    const type = tls13Messages.byCode(code) ?? tls12Messages.byCode(code);
    const isSender = Reflect.get(this, 'sink') === sender;
    for (const bent of isSender && type !== undefined ? bend(type, message, this) : [message]) {
      original.call(this, bent);
    }
  });
  try {
    const ends = { client: client(clientOverrides), server: server(serverOverrides) };
    sender = ends[from].sink;
    ends.client.core.start();
    exchange(ends.client, ends.server);
    return ends;
  } finally {
    spy.mockRestore();
  }
}

/** Changes the body of messages of one type; the first one only. */
export function change<K extends HandshakeType>(
  type: K,
  rewrite: (body: HandshakeBodies[K]) => HandshakeBodies[K],
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
