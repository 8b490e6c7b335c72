/** A wire that keeps what a client has sent: for whoever wants to send it again. */
import net from 'node:net';

export interface Tap {
  readonly port: number;
  /** What each connection has sent to the server, in order. */
  readonly sent: readonly Buffer[];
  close(): Promise<void>;
}

/** Passes connections on to a port of loopback. */
export async function tapTo(port: number): Promise<Tap> {
  const sent: Buffer[] = [];
  const open = new Set<net.Socket>();
  const server = net.createServer((from) => {
    const at = sent.length;
    sent.push(Buffer.alloc(0));
    const to = net.connect(port, '127.0.0.1');
    for (const socket of [from, to]) {
      open.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => open.delete(socket));
    }
    from.on('data', (chunk: Buffer) => {
      sent[at] = Buffer.concat([sent[at] ?? Buffer.alloc(0), chunk]);
      to.write(chunk);
    });
    from.on('end', () => to.end());
    to.pipe(from);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: address !== null && typeof address === 'object' ? address.port : 0,
    sent,
    close: () =>
      new Promise((resolve) => {
        for (const socket of open) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** Sends bytes to a port and answers what comes until the other side ends, or is silent for a while. */
export function sendAgain(port: number, bytes: Uint8Array, silence = 300): Promise<Buffer> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    const got: Buffer[] = [];
    let timer: NodeJS.Timeout | undefined;
    const done = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(Buffer.concat(got));
    };
    const wait = (): void => {
      clearTimeout(timer);
      timer = setTimeout(done, silence);
    };
    socket.on('data', (chunk: Buffer) => {
      got.push(chunk);
      wait();
    });
    socket.on('error', done);
    socket.on('end', done);
    socket.write(bytes);
    wait();
  });
}
