/** A peer that misbehaves: real cores whose messages are changed on their way into the record layer. */
import { vi } from 'vitest';
import { StreamTransport } from '../../packages/ssl/src/protocol/stream-transport.js';
import {
  decodeHandshake,
  encodeHandshake,
  type HandshakeBodies,
  type HandshakeType,
  handshakeByCode,
} from '../../packages/ssl/src/values/wire/handshake.js';
import type { RawExtension } from '../../packages/ssl/src/values/wire/messages/extension.js';
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
  type: HandshakeType,
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
    const type = handshakeByCode(message[0] ?? 0);
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
  let done = false;
  return (actual, message) => {
    if (actual !== type || done) return [message];
    done = true;
    return [encodeHandshake(type, rewrite(decodeHandshake(type, message)))];
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
