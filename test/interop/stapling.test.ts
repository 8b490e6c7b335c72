/** OCSP stapling with OpenSSL, both ways, with responses that OpenSSL's own responder makes. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Node } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa, type IssuedCertificate } from '@actor-tls/ssl/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { patience } from '../support/patience.js';
import { describeWithPeer, report } from '../support/report.js';
import { start, startOnFreePort } from './child.js';
import { echoServer, sslNode } from './ours.js';

let node: Node;
let folder: string;
const ca = createCa({ subject: 'Stapling CA' });
const leaf = ca.issue({ subject: 'localhost', names: ['localhost'] });
const revoked = ca.issue({ subject: 'localhost', names: ['localhost'] });
const file = (name: string): string => join(folder, name);

beforeAll(async () => {
  node = await sslNode();
  folder = mkdtempSync(join(tmpdir(), 'stapling-'));
  const write = (name: string, { certPem, keyPem }: IssuedCertificate): void => {
    writeFileSync(file(`${name}.crt`), certPem);
    writeFileSync(file(`${name}.key`), keyPem);
  };
  write('ca', ca);
  write('leaf', leaf);
  write('revoked', revoked);
});
afterAll(async () => {
  await ssl.stop(node);
  rmSync(folder, { recursive: true });
});

const serialOf = ({ serial }: IssuedCertificate): string => {
  const hex = serial.toString(16).toUpperCase();
  return hex.length % 2 === 0 ? hex : `0${hex}`;
};

/** OpenSSL's responder, offline: request, database, response. */
function response(name: 'leaf' | 'revoked'): string {
  const line = (status: string, issued: IssuedCertificate): string =>
    `${status}\t${serialOf(issued)}\tunknown\t/CN=localhost\n`;
  writeFileSync(
    file('index.txt'),
    line('V\t491231235959Z\t', leaf) + line('R\t491231235959Z\t250101000000Z,superseded', revoked),
  );
  const openssl = (...args: readonly string[]): unknown =>
    execFileSync('openssl', ['ocsp', ...args], { cwd: folder, stdio: 'pipe' });
  openssl('-issuer', 'ca.crt', '-cert', `${name}.crt`, '-no_nonce', '-reqout', 'request.der');
  openssl(
    ...['-index', 'index.txt', '-CA', 'ca.crt', '-rsigner', 'ca.crt', '-rkey', 'ca.key', '-ndays', '1'],
    ...['-reqin', 'request.der', '-respout', `${name}.der`],
  );
  return file(`${name}.der`);
}

/** With OpenSSL's option for it. */
const versions = [
  ['tlsv1.3', '-tls1_3'],
  ['tlsv1.2', '-tls1_2'],
] as const;
type Version = (typeof versions)[number];

async function ourClient(
  [version, flag]: Version,
  name: 'leaf' | 'revoked',
  staple: string | undefined,
): Promise<ssl.Result<ssl.SslSocket>> {
  const { port, child } = await startOnFreePort((at) =>
    start('openssl', [
      ...['s_server', '-quiet', '-accept', `127.0.0.1:${at}`, flag],
      ...['-cert', file(`${name}.crt`), '-key', file(`${name}.key`)],
      ...(staple === undefined ? [] : ['-status_file', staple]),
    ]),
  );
  try {
    const answer = await ssl.connect(
      node.shell(),
      '127.0.0.1',
      port,
      {
        versions: [version],
        cacerts: [ca.cert],
        serverNameIndication: 'localhost',
        stapling: { ocspNonce: false },
        active: false,
      },
      patience,
    );
    if ('ok' in answer) await ssl.close(answer.ok);
    return answer;
  } finally {
    await child.stop();
  }
}

for (const each of versions) {
  const [version, flag] = each;
  describeWithPeer(`OCSP stapling with OpenSSL, ${version}`, 'openssl', () => {
    it('our client takes what s_server staples, and refuses a revoked certificate and an empty hand', async () => {
      expect(await ourClient(each, 'leaf', response('leaf'))).toHaveProperty('ok');
      const refused = await ourClient(each, 'revoked', response('revoked'));
      expect(refused).toMatchObject({ error: { tls_alert: ['certificate_revoked', expect.any(String)] } });
      expect(await ourClient(each, 'leaf', undefined)).toMatchObject({
        error: { tls_alert: ['bad_certificate_status_response', expect.stringContaining('not_stapled')] },
      });
      report(`interop: stapling, ${version}, our client, OpenSSL`, { ok: 3 });
    });

    it('s_client gets and verifies what our server staples, from bytes and from a function', async () => {
      const der = readFileSync(response('leaf'));
      for (const ocspResponse of [new Uint8Array(der), async () => new Uint8Array(der)]) {
        const our = await echoServer(node, {
          versions: [version],
          cert: leaf.cert,
          key: { PrivateKeyInfo: leaf.key },
          ocspResponse,
        });
        const child = start('openssl', [
          ...['s_client', '-connect', `127.0.0.1:${our.port}`, flag, '-status', '-CAfile', file('ca.crt')],
          ...['-servername', 'localhost', '-verify_return_error', '-msg'],
        ]);
        try {
          await child.until(() => child.stdout().includes('Verify return code: 0'));
          const told = child.stdout().toString('latin1');
          expect(told).toContain('OCSP Response Status: successful');
          expect(told).toContain('Cert Status: good');
          expect(told.toUpperCase()).toContain(`SERIAL NUMBER: ${serialOf(leaf)}`);
          await expect.poll(() => our.outcomes).toEqual(['ok']);
        } finally {
          await child.stop();
          await our.stop();
        }
      }
      report(`interop: stapling, ${version}, our server, OpenSSL`, { ok: 2 });
    });

    it('s_client is told by our server that there is nothing to staple, and goes on', async () => {
      const our = await echoServer(node, {
        versions: [version],
        cert: leaf.cert,
        key: { PrivateKeyInfo: leaf.key },
      });
      const child = start('openssl', [
        ...['s_client', '-connect', `127.0.0.1:${our.port}`, flag, '-status', '-CAfile', file('ca.crt')],
        ...['-servername', 'localhost', '-verify_return_error'],
      ]);
      try {
        await child.until(() => child.stdout().includes('Verify return code: 0'));
        expect(child.stdout().toString('latin1')).toContain('OCSP response: no response sent');
      } finally {
        await child.stop();
        await our.stop();
      }
    });
  });
}
