/** node:tls: clients that come back, and a hybrid key exchange where its OpenSSL has one; servers of their own. */
import * as crypto from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { connect, createSecureContext, createServer, type Server, type TLSSocket } from 'node:tls';
import { type Dialect, type Material, medianOf, rate, type SessionKind, type Side } from './side.js';

type Rows = Pick<Side, 'resumedHandshakes' | 'hybridHandshakes' | 'firstByte'>;

export function nodeResumption(files: Material, { openssl: ciphers, version }: Dialect): Rows {
  const named = version === 'tlsv1.2' ? 'TLSv1.2' : 'TLSv1.3';
  const secure = { minVersion: named, maxVersion: named, ciphers } as const;
  const own = { cert: readFileSync(files.certfile), key: readFileSync(files.keyfile) };
  const ca = readFileSync(files.cafile);
  const started = async (
    ecdhCurve: string,
    by: SessionKind,
    serve: (socket: TLSSocket) => void,
  ): Promise<Server> => {
    const secureOptions = by === 'id' ? crypto.constants.SSL_OP_NO_TICKET : 0;
    const server = createServer({ ...secure, ...own, ecdhCurve, secureOptions }, (socket) => {
      socket.on('error', () => {});
      socket.resume();
      serve(socket);
    });
    if (by === 'id') keepSessions(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 512, resolve));
    server.unref();
    return server;
  };
  /** One connection; `begun` once it stands, resolves with the session when the answer has come and it is closed. */
  const meet = (
    server: Server,
    secureContext: ReturnType<typeof createSecureContext>,
    ecdhCurve: string,
    session: Buffer | undefined,
    begun: (socket: TLSSocket) => void,
    answered: () => void,
  ): Promise<{ session: Buffer | undefined; reused: boolean }> =>
    new Promise((resolve, reject) => {
      const { port } = server.address() as AddressInfo;
      const known = session === undefined ? {} : { session };
      const at = { port, host: '127.0.0.1', servername: 'localhost', secureContext, ecdhCurve };
      let latest: Buffer | undefined;
      let reused = false;
      const socket = connect({ ...at, ...known }, () => {
        reused = socket.isSessionReused();
        begun(socket);
      });
      socket.on('session', (ticket: Buffer) => {
        latest = ticket;
      });
      socket.once('data', () => {
        answered();
        socket.end();
      });
      socket.once('close', () => resolve({ session: latest, reused }));
      socket.on('error', reject);
    });
  const nothing = (): void => {};

  const curves = version === 'tlsv1.2' ? 'X25519:P-256' : 'X25519';
  const answering: Partial<Record<SessionKind, Promise<Server>>> = {};
  let context: ReturnType<typeof createSecureContext> | undefined;
  let session: Buffer | undefined;
  const comeBack = async (
    server: Promise<Server>,
    begun: (socket: TLSSocket) => void,
    answered: () => void,
  ): Promise<void> => {
    context ??= createSecureContext({ ...secure, ecdhCurve: curves, ca });
    const wished = session;
    const met = await meet(await server, context, curves, wished, begun, answered);
    if (wished !== undefined && !met.reused) throw new Error('a handshake was a full one');
    session = met.session;
  };

  const answers = (by: SessionKind): Promise<Server> => {
    answering[by] ??= started(curves, by, (socket) => socket.once('data', () => socket.end('x')));
    return answering[by];
  };
  const ask = (socket: TLSSocket): void => {
    socket.write('q');
  };

  let hybrids: Promise<Server> | undefined;
  return {
    async resumedHandshakes(ms, by) {
      const server = answers(by);
      session = undefined;
      await comeBack(server, ask, nothing);
      return rate(ms, () => comeBack(server, ask, nothing));
    },
    async hybridHandshakes(ms) {
      const group = 'X25519MLKEM768';
      // OpenSSL 3.5, which came with it.
      if (!('encapsulate' in crypto)) return Number.NaN;
      hybrids ??= started(group, 'ticket', (socket) => socket.end('x'));
      const server = await hybrids;
      const secureContext = createSecureContext({ ...secure, ecdhCurve: group, ca });
      return rate(ms, async () => {
        await meet(server, secureContext, group, undefined, nothing, nothing);
      });
    },
    async firstByte(ms, how) {
      if (how === 'early') return Number.NaN;
      const server = answers('ticket');
      session = undefined;
      await comeBack(server, ask, nothing);
      return medianOf(ms, (stop) => comeBack(server, ask, stop));
    },
  };
}

/** node:tls has no table of its own. Bounded: only the last one is asked for. */
function keepSessions(server: Server): void {
  const sessions = new Map<string, Buffer>();
  server.on('newSession', (id: Buffer, data: Buffer, done: () => void) => {
    if (sessions.size >= 1000) sessions.clear();
    sessions.set(id.toString('hex'), data);
    done();
  });
  server.on('resumeSession', (id: Buffer, done: (error: null, data: Buffer | null) => void) =>
    done(null, sessions.get(id.toString('hex')) ?? null),
  );
}
