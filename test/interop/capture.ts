/**
 * A capture without the rights to capture: what a proxy has passed on, written as the TCP packets that it might have been
 * (pcap, LINKTYPE_RAW). Checksums are zero, which nobody looks at.
 */
import { createServer, type Socket, connect as tcpConnect } from 'node:net';

type Side = 'client' | 'server';

export class Capture {
  readonly #packets: Buffer[] = [fileHeader()];
  readonly #next: Record<Side, number> = { client: 1, server: 1 };
  #time = 0;

  constructor() {
    this.#packet('client', 0x02, Buffer.alloc(0), 0);
    this.#packet('server', 0x12, Buffer.alloc(0), 0);
  }

  /** Bytes that a side has sent. */
  add(side: Side, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += 1400) {
      const part = Buffer.from(bytes.subarray(at, at + 1400));
      this.#packet(side, 0x18, part, this.#next[side]);
      this.#next[side] += part.length;
    }
  }

  /** The file. */
  bytes(): Buffer {
    return Buffer.concat(this.#packets);
  }

  #packet(side: Side, flags: number, data: Buffer, sequence: number): void {
    const header = Buffer.alloc(40);
    header[0] = 0x45;
    header.writeUInt16BE(40 + data.length, 2);
    header[8] = 64;
    header[9] = 6;
    const addresses = { client: [10, 0, 0, 1], server: [10, 0, 0, 2] };
    const other = side === 'client' ? 'server' : 'client';
    header.set(addresses[side], 12);
    header.set(addresses[other], 16);
    const ports = { client: 40_000, server: 443 };
    header.writeUInt16BE(ports[side], 20);
    header.writeUInt16BE(ports[other], 22);
    header.writeUInt32BE(sequence, 24);
    header.writeUInt32BE(this.#next[other], 28);
    header[32] = 0x50;
    header[33] = flags;
    header.writeUInt16BE(65_535, 34);
    const record = Buffer.alloc(16);
    this.#time += 1;
    record.writeUInt32LE(1_700_000_000, 0);
    record.writeUInt32LE(this.#time, 4);
    record.writeUInt32LE(40 + data.length, 8);
    record.writeUInt32LE(40 + data.length, 12);
    this.#packets.push(record, header, data);
  }
}

function fileHeader(): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(262_144, 16);
  header.writeUInt32LE(101, 20);
  return header;
}

/** A proxy before a port that writes down what passes, of one connection. */
export async function capturing(
  port: number,
): Promise<{ readonly port: number; readonly capture: Capture; stop(): void }> {
  const capture = new Capture();
  const sockets: Socket[] = [];
  const proxy = createServer((near) => {
    const far = tcpConnect(port, '127.0.0.1');
    sockets.push(near, far);
    const pass = (from: Socket, to: Socket, side: Side): void => {
      from.on('error', () => {});
      from.on('data', (chunk) => {
        capture.add(side, chunk);
        to.write(chunk);
      });
      from.on('end', () => to.end());
    };
    pass(near, far, 'client');
    pass(far, near, 'server');
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const address = proxy.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    capture,
    stop() {
      for (const socket of sockets) socket.destroy();
      proxy.close();
    },
  };
}
