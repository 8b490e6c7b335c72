/**
 * Echo server and client on node:tls of the Node that runs this, for the interop tests.
 *
 * server <options>: prints "PORT <n>", echoes on every connection until it is stopped.
 * client <options>: sends standard input's first bytes (their number is given), reads as many back, prints them.
 * resume <options>: connects so many times, each time with the last session; prints "RESUMED [...]" and DONE.
 */
import { readFileSync } from 'node:fs';
import tls from 'node:tls';

const [, , role, json = '{}'] = process.argv;
const options = JSON.parse(json);
const common = {
  minVersion: options.version === 'tlsv1.3' ? 'TLSv1.3' : 'TLSv1.2',
  maxVersion: options.version === 'tlsv1.2' ? 'TLSv1.2' : 'TLSv1.3',
  ...(options.groups && { ecdhCurve: options.groups.join(':') }),
  ...(options.ciphers && { ciphers: options.ciphers }),
  ...(options.alpn && { ALPNProtocols: options.alpn }),
};
const identity = ({ certfile, keyfile }) => ({ cert: readFileSync(certfile), key: readFileSync(keyfile) });

if (role === 'server') {
  const server = tls.createServer({
    ...common,
    ...identity(options),
    ...(options.requireClientCa && {
      ca: readFileSync(options.requireClientCa),
      requestCert: true,
      rejectUnauthorized: true,
    }),
  });
  server.on('secureConnection', (socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1', () => process.stdout.write(`PORT ${server.address().port}\n`));
} else if (role === 'resume') {
  const resumed = [];
  let session;
  for (let n = 0; n < options.times; n += 1) {
    await new Promise((resolve, reject) => {
      const socket = tls.connect({
        ...{ host: '127.0.0.1', port: options.port, servername: options.servername, session },
        ca: readFileSync(options.cafile),
        ...common,
      });
      let latest;
      let lines = 0;
      const done = () => {
        if (latest === undefined || lines < 2) return;
        resumed.push(socket.isSessionReused());
        session = latest;
        socket.end(resolve);
      };
      socket.on('session', (ticket) => {
        latest = ticket;
        done();
      });
      socket.on('secureConnect', () => socket.write('a line\n'));
      socket.on('data', (chunk) => {
        lines += chunk.toString().split('\n').length - 1;
        done();
      });
      socket.on('error', reject);
    });
  }
  process.stdout.write(`RESUMED [${resumed.join(' ')}]\nDONE\n`);
} else {
  const socket = tls.connect({
    host: '127.0.0.1',
    port: options.port,
    ca: readFileSync(options.cafile),
    servername: options.servername,
    ...common,
    ...(options.identity && identity(options.identity)),
  });
  let left = options.length;
  socket.on('secureConnect', () => process.stdin.pipe(socket, { end: false }));
  socket.on('data', (chunk) => {
    process.stdout.write(chunk);
    left -= chunk.length;
    if (left <= 0) socket.end(() => process.stdin.destroy());
  });
  socket.on('error', (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  });
}
