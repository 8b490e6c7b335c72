/**
 * What people are told when a handshake fails: the text in `{ tls_alert: [alert, text] }` names side, certificate, place,
 * rule and a way out; the log has the same, as far as `log_level` lets it.
 */
import { connect } from 'node:net';
import { createNode, type Logger, type Node } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { handshake, type Outcome, pairOf } from './live.js';

interface Line {
  readonly method: keyof Logger;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly text: string;
}

const lines: Line[] = [];
const record =
  (method: keyof Logger) =>
  (fields: object, text: string): void =>
    void lines.push({ method, fields: { ...fields }, text });
const logger: Logger = {
  error: record('error'),
  warn: record('warn'),
  info: record('info'),
  debug: record('debug'),
};

const ca = createCa({ subject: 'Trusted Root' });
const below = ca.intermediate({ subject: 'Issuing CA' });
const leaf = ca.issue({ names: ['www.example.org', 'shop.example.org'] });
const day = 86_400_000;
const hex = (serial: bigint): RegExp => new RegExp(serial.toString(16), 'i');

let node: Node;
beforeAll(async () => {
  node = createNode({ logger });
  expect(await ssl.start({ node })).toEqual({ ok: true });
});
afterAll(async () => {
  await ssl.stop(node);
  node.stop();
});
beforeEach(() => {
  lines.length = 0;
});

const textOf = (outcome: Outcome): string => (outcome !== 'ok' && 'text' in outcome ? outcome.text : '');

describe('the text of a refusal', () => {
  it('of a missing intermediate says who has to send or trust what, and where it can be had', async () => {
    const own = below.issue({ names: ['localhost'], caIssuers: ['http://pki.example/issuing.cer'] });
    const options = { cacerts: [ca.cert], serverNameIndication: 'localhost' };
    const server = { cert: own.cert, key: { PrivateKeyInfo: own.key } };
    const text = textOf((await handshake(node, options, server)).client);
    expect(text).toMatch(
      /^TLS client: In state wait_cert\w* at certificate_rejected generated CLIENT ALERT: Fatal - Unknown CA\n/,
    );
    expect(text).toContain('peer certificate "CN=localhost"');
    expect(text).toMatch(hex(own.serial));
    expect(text).toContain('no trusted CA issued it');
    expect(text).toContain('add "CN=Issuing CA" to cacerts, or have the peer send its intermediates');
    expect(text).toContain('http://pki.example/issuing.cer');
  });

  it('of an expired certificate says since when, and of an expired CA which one', async () => {
    const notAfter = new Date(Date.now() - day);
    const notBefore = new Date(Date.now() - 9 * day);
    const options = { cacerts: [ca.cert], serverNameIndication: 'localhost' };
    const old = ca.issue({ names: ['localhost'], notBefore, notAfter });
    const text = textOf((await handshake(node, options, pairOf(old))).client);
    expect(text).toContain(`expired on ${notAfter.toISOString().slice(0, 10)}`);
    const oldCa = ca.intermediate({ subject: 'Old CA', notBefore, notAfter });
    const under = textOf((await handshake(node, options, pairOf(oldCa.issue()))).client);
    expect(under).toContain(`CA certificate 1 above the peer's "CN=Old CA"`);
    const soon = ca.issue({ names: ['localhost'], notBefore: new Date(Date.now() + day) });
    expect(textOf((await handshake(node, options, pairOf(soon))).client)).toContain('check the clock');
  });

  it('of a wrong name says which names there are and which is wanted', async () => {
    const options = { cacerts: [ca.cert], serverNameIndication: 'mail.example.org' };
    const text = textOf((await handshake(node, options, pairOf(leaf))).client);
    expect(text).toContain("Handshake Failure\n { bad_cert: 'hostname_check_failed' }\n peer certificate");
    expect(text).toContain('www.example.org, shop.example.org, wanted is mail.example.org');
  });

  it("is one line more, however long or odd a hostile certificate's names are", async () => {
    const names = Array.from({ length: 40 }, (_, n) => `host${n}.${'x'.repeat(40)}.example`);
    const subject = 'evil\nTLS client: In state connection\u001b[31m';
    const own = ca.issue({ subject, names });
    const options = { cacerts: [ca.cert], serverNameIndication: 'localhost' };
    const text = textOf((await handshake(node, options, pairOf(own))).client);
    expect(text.split('\n')).toHaveLength(3);
    expect(text).not.toContain('\u001b');
    expect(text).toContain('and 32 more');
  });

  it("of a client's certificate is the server's; the client hears of the alert", async () => {
    const stranger = createCa({ subject: 'Stranger' }).issue({ subject: 'a client' });
    const { server } = await handshake(
      node,
      { cacerts: [ca.cert], serverNameIndication: 'www.example.org', ...pairOf(stranger) },
      { ...pairOf(leaf), verify: 'verify_peer', failIfNoPeerCert: true, cacerts: [ca.cert] },
    );
    expect(textOf(server)).toMatch(
      /^TLS server: .* generated SERVER ALERT: Fatal - Unknown CA\n peer certificate "CN=a client"/,
    );
  });

  it('is unchanged where no certificate is to blame', async () => {
    const { client } = await handshake(
      node,
      { cacerts: [ca.cert], serverNameIndication: 'www.example.org', ciphers: ['TLS_AES_128_GCM_SHA256'] },
      { ...pairOf(leaf), ciphers: ['TLS_AES_256_GCM_SHA384'] },
    );
    expect(textOf(client)).toMatch(/received SERVER ALERT: Fatal - [A-Za-z ]+\n$/);
  });
});

describe('log_level', () => {
  const refused = { cacerts: [createCa().cert], serverNameIndication: 'www.example.org' };
  const alerts = (): readonly Line[] => lines.filter(({ fields }) => 'alert' in fields);

  it('notice, the default, tells alerts of both sides with all that is known', async () => {
    await handshake(node, refused, pairOf(leaf));
    expect(
      alerts().map(({ fields }) => [fields['role'], fields['by'], fields['alert'], fields['severity']]),
    ).toEqual([
      ['client', 'self', 'unknown_ca', 'notice'],
      ['server', 'peer', 'unknown_ca', 'notice'],
    ]);
    const [own] = alerts();
    expect(own?.method).toBe('info');
    expect(own?.text).toContain('Fatal - Unknown CA');
    expect(own?.fields).toMatchObject({ protocol: 'tls', peer: { address: '127.0.0.1' } });
    expect(own?.fields['explanation']).toContain('no trusted CA issued it');
  });

  it.each(['warning', 'error', 'none'] as const)('%s tells no alerts', async (logLevel) => {
    await handshake(node, { ...refused, logLevel }, { ...pairOf(leaf), logLevel });
    expect(lines.filter(({ fields }) => 'role' in fields)).toEqual([]);
  });

  it('info tells why a handshake was given up, notice does not', async () => {
    const gone = { certfile: '/nowhere/cert.pem' };
    for (const [logLevel, told] of [
      ['notice', 0],
      ['info', 1],
    ] as const) {
      lines.length = 0;
      await handshake(node, { ...refused, logLevel }, { ...gone, logLevel });
      const about = lines.filter(({ text }) => text === 'handshake given up');
      expect(about).toHaveLength(told);
      if (told > 0) expect(JSON.stringify(about)).toContain('/nowhere/cert.pem');
    }
  });

  it('info tells of a peer that left during the handshake', async () => {
    const self = node.shell();
    const listener = ssl.unwrap(
      await ssl.listen(self, 0, { ...pairOf(leaf), ip: 'loopback', active: false, logLevel: 'info' }),
    );
    const { port } = ssl.unwrap(await ssl.sockname(listener));
    const socket = connect(port, '127.0.0.1');
    const accepted = ssl.unwrap(await ssl.transportAccept(self, listener));
    socket.end();
    expect(await ssl.handshake(self, accepted)).toEqual({ error: 'closed' });
    expect(lines.filter(({ text }) => text.startsWith('the peer left'))).toMatchObject([
      { method: 'info', fields: { severity: 'info', role: 'server' } },
    ]);
    await ssl.close(listener);
  });

  it('debug tells messages and records by name and length, never their content', async () => {
    const secret = 'a password, 0123456789';
    const self = node.shell();
    const options = { ...pairOf(leaf), ip: 'loopback', active: false, logLevel: 'debug' } as const;
    const listener = ssl.unwrap(await ssl.listen(self, 0, options));
    const { port } = ssl.unwrap(await ssl.sockname(listener));
    const accepting = ssl
      .transportAccept(self, listener)
      .then((accepted) => ssl.handshake(self, ssl.unwrap(accepted)));
    const trusting = {
      cacerts: [ca.cert],
      serverNameIndication: 'www.example.org',
      active: false,
      logLevel: 'debug',
    } as const;
    const client = ssl.unwrap(await ssl.connect(self, '127.0.0.1', port, trusting));
    const server = ssl.unwrap(await accepting);
    await ssl.send(client, secret);
    ssl.unwrap(await ssl.recv(server, secret.length));
    await ssl.close(client);
    await ssl.close(server);
    await ssl.close(listener);
    const told = lines.filter(({ method }) => method === 'debug').map(({ text }) => text);
    expect(told).toContainEqual(expect.stringMatching(/^>>> handshake message client_hello, \d+ bytes$/));
    expect(told).toContainEqual(expect.stringMatching(/^<<< handshake message client_hello, \d+ bytes$/));
    expect(told).toContainEqual(expect.stringMatching(/^<<< handshake message certificate_verify/));
    expect(told).toContain(`<<< record application_data, ${secret.length} bytes`);
    const everything = JSON.stringify(lines, (_key, value) => {
      // Bytes in a log would be content.
      if (value instanceof Uint8Array) throw new Error('bytes in the log');
      return value;
    });
    expect(everything).not.toContain(secret);
  });

  it('a crash is an error whatever the level of the connection', async () => {
    const self = node.shell();
    const listener = ssl.unwrap(
      await ssl.listen(self, 0, { ...pairOf(leaf), ip: 'loopback', active: false }),
    );
    const { port } = ssl.unwrap(await ssl.sockname(listener));
    const accepting = ssl
      .transportAccept(self, listener)
      .then((accepted) => ssl.handshake(self, ssl.unwrap(accepted)));
    const trusting = { cacerts: [ca.cert], serverNameIndication: 'www.example.org', active: false } as const;
    const client = ssl.unwrap(await ssl.connect(self, '127.0.0.1', port, { ...trusting, logLevel: 'none' }));
    ssl.unwrap(await accepting);
    node.exit(client.connection, 'kill');
    await expect.poll(() => lines.some(({ method }) => method === 'error')).toBe(true);
    await ssl.close(listener);
  });
});
