/** actor-tls: clients that come back, and other key exchanges than the rows' usual one; listeners of their own. */
import type { Node } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import {
  certificateCurve,
  type Dialect,
  group,
  type Material,
  medianOf,
  rate,
  type SessionKind,
  type Side,
} from './side.js';

const curves = [group, certificateCurve] as const;

type Rows = Pick<Side, 'resumedHandshakes' | 'hybridHandshakes' | 'firstByte'>;

export function actorResumption(node: Node, files: Material, { version, suite }: Dialect): Rows {
  const self = node.shell();
  const acceptor = node.shell();
  const { certfile, keyfile, cafile } = files;
  const common = { versions: [version], ciphers: [suite], active: false } as const;
  const listening = { ...common, certfile, keyfile, ip: '127.0.0.1' } as const;
  const client = { ...common, cacertfile: cafile, serverNameIndication: 'localhost' } as const;

  /** One connection of both ends, the server's to be served with `serve`. */
  const meet = async (
    listener: ssl.SslListenSocket,
    options: ssl.TlsClientOptions,
    serve: (socket: ssl.SslSocket) => Promise<unknown>,
    ask: (socket: ssl.SslSocket) => Promise<unknown>,
  ): Promise<void> => {
    const { port } = ssl.unwrap(await ssl.sockname(listener));
    const serving = ssl.transportAccept(acceptor, listener).then(async (accepted) => {
      const socket = ssl.unwrap(await ssl.handshake(acceptor, ssl.unwrap(accepted)));
      await serve(socket);
      return socket;
    });
    const ours = ssl.unwrap(await ssl.connect(self, '127.0.0.1', port, options));
    await ask(ours);
    await ssl.close(ours);
    await ssl.close(await serving);
  };

  const listeners: Partial<Record<SessionKind, Promise<ssl.SslListenSocket>>> = {};
  /** One that clients can come back to. */
  const welcoming = (by: SessionKind): Promise<ssl.SslListenSocket> => {
    const sessions: ssl.TlsServerOptions =
      version === 'tlsv1.2'
        ? { eccs: [...curves], olderSessionTickets: by === 'ticket' }
        : {
            supportedGroups: [group],
            sessionTickets: 'stateless',
            antiReplay: '100k',
            earlyData: 'enabled',
          };
    listeners[by] ??= ssl.listen(acceptor, 0, { ...listening, ...sessions }).then(ssl.unwrap);
    return listeners[by];
  };
  const returning: ssl.TlsClientOptions =
    version === 'tlsv1.2'
      ? { ...client, eccs: [...curves] }
      : { ...client, supportedGroups: [group], sessionTickets: 'auto' };
  const answer = async (socket: ssl.SslSocket): Promise<unknown> => {
    await ssl.recv(socket, 1);
    return ssl.send(socket, 'x');
  };
  /** Behind the tickets. */
  const hear = (socket: ssl.SslSocket): Promise<unknown> => ssl.recv(socket, 1).then(ssl.unwrap);
  const trip = async (socket: ssl.SslSocket): Promise<void> => {
    await ssl.send(socket, 'q');
    await hear(socket);
  };
  const comeBack = async (by: SessionKind): Promise<void> => {
    let resumed = false;
    await meet(await welcoming(by), returning, answer, async (socket) => {
      await trip(socket);
      ({ sessionResumption: resumed } = ssl.unwrap(
        await ssl.connectionInformation(socket, ['sessionResumption']),
      ));
    });
    if (!resumed) throw new Error('a handshake was a full one');
  };
  /** The first has no session. */
  const known = async (by: SessionKind): Promise<void> => meet(await welcoming(by), returning, answer, trip);

  let hybrids: Promise<ssl.SslListenSocket> | undefined;
  const hybrid = { supportedGroups: ['x25519mlkem768'] } as const;

  return {
    async resumedHandshakes(ms, by) {
      await known(by);
      return rate(ms, () => comeBack(by));
    },
    async hybridHandshakes(ms) {
      hybrids ??= ssl.listen(acceptor, 0, { ...listening, ...hybrid }).then(ssl.unwrap);
      const listener = await hybrids;
      const nothing = (): Promise<void> => Promise.resolve();
      return rate(ms, () => meet(listener, { ...client, ...hybrid }, nothing, nothing));
    },
    async firstByte(ms, how) {
      await known('ticket');
      return medianOf(ms, async (stop) => {
        const options = how === 'early' ? { ...returning, earlyData: Buffer.from('q') } : returning;
        await meet(await welcoming('ticket'), options, answer, async (socket) => {
          if (how === 'resumed') await ssl.send(socket, 'q');
          await hear(socket);
          stop();
        });
      });
    },
  };
}
