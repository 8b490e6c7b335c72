/** node:tls, in this process. */
import * as crypto from 'node:crypto';
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import { opensslGroup, opensslName } from './openssl.js';
import type { InteropGroup, OfferedVersions, Peer, SuiteName } from './peer.js';

const curves = (groups: readonly InteropGroup[] | undefined): { ecdhCurve?: string } =>
  groups ? { ecdhCurve: groups.map(opensslGroup).join(':') } : {};

/** A tag of 64 bits is below the level that OpenSSL asks for. */
const ciphers = (suite: SuiteName | undefined): { ciphers?: string } =>
  suite ? { ciphers: `${opensslName(suite)}${suite.includes('CCM_8') ? ':DEFAULT:@SECLEVEL=0' : ''}` } : {};

/** From OpenSSL 3.5 on. */
const hasMlKem = 'encapsulate' in crypto;

const OLDEST: Record<OfferedVersions, tls.SecureVersion> = {
  'tlsv1.3': 'TLSv1.3',
  'tlsv1.2': 'TLSv1.2',
  both: 'TLSv1.2',
};

const only = (
  version: OfferedVersions,
): { minVersion: tls.SecureVersion; maxVersion: tls.SecureVersion } => ({
  minVersion: OLDEST[version],
  maxVersion: version === 'tlsv1.2' ? 'TLSv1.2' : 'TLSv1.3',
});

export const nodeTls: Peer = {
  name: 'node:tls',
  program: undefined,

  lacks: (_version, what) => !hasMlKem && (what.includes('mlkem') || what.startsWith('brainpool')),

  echoServer(options) {
    const server = tls.createServer({
      cert: readFileSync(options.certfile),
      key: readFileSync(options.keyfile),
      ...only(options.version),
      ...ciphers(options.suite),
      ...curves(options.groups),
      ...(options.alpn ? { ALPNProtocols: [...options.alpn] } : {}),
      ...(options.requireClientCa
        ? { ca: readFileSync(options.requireClientCa), requestCert: true, rejectUnauthorized: true }
        : {}),
    });
    const open = new Set<tls.TLSSocket>();
    server.on('secureConnection', (socket) => {
      open.add(socket);
      socket.on('close', () => open.delete(socket));
      socket.on('error', () => {});
      socket.pipe(socket);
    });
    return new Promise((resolve, reject) => {
      server.on('error', reject);
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        resolve({
          port: address !== null && typeof address === 'object' ? address.port : 0,
          stop: () =>
            new Promise((stopped) => {
              for (const socket of open) socket.destroy();
              server.close(() => stopped());
            }),
        });
      });
    });
  },

  echoClient(options) {
    return new Promise((resolve, reject) => {
      const socket = tls.connect({
        host: '127.0.0.1',
        port: options.port,
        ca: readFileSync(options.cafile),
        ...only(options.version),
        ...(options.servername
          ? { servername: options.servername }
          : { checkServerIdentity: () => undefined }),
        ...ciphers(options.suite),
        ...curves(options.groups),
        ...(options.alpn ? { ALPNProtocols: [...options.alpn] } : {}),
        ...(options.identity
          ? { cert: readFileSync(options.identity.certfile), key: readFileSync(options.identity.keyfile) }
          : {}),
      });
      const got: Buffer[] = [];
      let length = 0;
      socket.on('secureConnect', () => socket.write(options.payload));
      socket.on('data', (chunk) => {
        got.push(chunk);
        length += chunk.length;
        if (length >= options.payload.length) {
          socket.end();
          resolve(Buffer.concat(got));
        }
      });
      socket.on('error', reject);
      socket.on('close', () => reject(new Error(`closed after ${length} bytes`)));
    });
  },
};
