/** A line between two ends of an interop test that writes down how long the records are which pass. */
import net from 'node:net';

export interface Tapped {
  readonly port: number;
  /** Lengths of fragments so far, by type of record. */
  readonly records: { readonly toServer: Seen[]; readonly toClient: Seen[] };
  stop(): Promise<void>;
}

interface Seen {
  readonly type: number;
  readonly length: number;
}

/** The longest record with data, or with what is protected like it. */
export function longestData(records: readonly Seen[]): number {
  return Math.max(0, ...records.flatMap(({ type, length }) => (type === 23 ? [length] : [])));
}

/** Connections to the port it has lead to the other one. */
export async function tap(to: number): Promise<Tapped> {
  const records = { toServer: [] as Seen[], toClient: [] as Seen[] };
  const open = new Set<net.Socket>();
  const server = net.createServer((client) => {
    const upstream = net.connect(to, '127.0.0.1');
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', () => {});
    }
    follow(client, upstream, records.toServer);
    follow(upstream, client, records.toClient);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    records,
    async stop() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function follow(from: net.Socket, to: net.Socket, seen: Seen[]): void {
  let rest: Buffer = Buffer.alloc(0);
  from.on('data', (chunk: Buffer) => {
    to.write(chunk);
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 5 && rest.length >= 5 + rest.readUInt16BE(3)) {
      seen.push({ type: rest[0] ?? 0, length: rest.readUInt16BE(3) });
      rest = rest.subarray(5 + rest.readUInt16BE(3));
    }
  });
  from.on('end', () => to.end());
}
