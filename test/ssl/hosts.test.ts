/** Which name a client sends and checks, however the host was written: as the argument, or as serverNameIndication. */
import * as ssl from '@actor-tls/ssl';
import { createCa, type Simulation, simulateSsl } from '@actor-tls/ssl/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ca = createCa();
const leaf = ca.issue({
  names: ['localhost', 'xn--bcher-kva.example', '*.example.org', '127.0.0.1', '::1', 'fe80::1'],
});

let world: Simulation;
beforeAll(async () => {
  world = await simulateSsl();
});
afterAll(() => world.stop());

interface Outcome {
  /** `ok`, or why the client refused. */
  readonly client: string;
  /** The name that the server saw. */
  readonly sent: unknown;
}

/** A whole handshake; the host may be anything that the simulated network knows. */
async function reach(host: string, options: ssl.TlsClientOptions = {}): Promise<Outcome> {
  const self = world.test.node.shell();
  const own = { cert: leaf.chain, key: { PrivateKeyInfo: leaf.key } };
  const listener = ssl.unwrap(await world.run(ssl.listen(self, 0, own)));
  const { port } = ssl.unwrap(await ssl.sockname(listener));
  const served = ssl
    .transportAccept(self, listener, 5000)
    .then((socket) => ('ok' in socket ? ssl.handshake(self, socket.ok, {}, 5000) : socket));
  const client = await world.run(ssl.connect(self, host, port, { cacerts: [ca.cert], ...options }, 5000));
  const server = await world.run(served);
  const sent =
    'ok' in server ? ssl.unwrap(await world.run(ssl.connectionInformation(server.ok, ['sniHostname']))) : {};
  for (const end of [client, server]) if ('ok' in end) await world.run(ssl.close(end.ok));
  await world.run(ssl.close(listener));
  return { client: 'ok' in client ? 'ok' : ssl.formatError(client.error), sent: sent['sniHostname'] };
}

describe('the host argument', () => {
  it.each(['localhost', 'LocalHost', 'localhost.', 'ｌｏｃａｌｈｏｓｔ'])(
    '%s is sent and checked as localhost',
    async (host) => {
      expect(await reach(host)).toEqual({ client: 'ok', sent: 'localhost' });
    },
  );

  it.each(['127.0.0.1', '::1', '[::1]'])('%s is not sent, and checked as an address', async (host) => {
    expect(await reach(host)).toEqual({ client: 'ok', sent: undefined });
  });
});

describe('serverNameIndication', () => {
  it.each([
    ['BÜCHER.example.', 'xn--bcher-kva.example'],
    ['XN--bcher-kva.Example', 'xn--bcher-kva.example'],
    ['WWW.example.org.', 'www.example.org'],
  ])('%s is sent and checked as %s', async (serverNameIndication, sent) => {
    expect(await reach('localhost', { serverNameIndication })).toEqual({ client: 'ok', sent });
  });

  it.each(['127.0.0.1', '127.1', '0x7f.0.0.1', '2130706433', '[::1]', 'fe80::1%eth0', '[fe80::1%25eth0]'])(
    '%s is an address: not sent, and checked',
    async (serverNameIndication) => {
      expect(await reach('localhost', { serverNameIndication })).toEqual({ client: 'ok', sent: undefined });
    },
  );

  it.each(['10.1', '[::2]', 'elsewhere.example', 'a.b.example.org', 'example.org'])(
    '%s is refused when the certificate has another name',
    async (serverNameIndication) => {
      const { client } = await reach('localhost', { serverNameIndication });
      expect(client).toMatch(/hostname_check_failed/);
    },
  );
});

describe('wildcards', () => {
  const wish = { serverNameIndication: 'www.example.org' };
  it.each([
    ['https', 'ok'],
    ['rfc9525', 'ok'],
    ['exact', expect.stringMatching(/hostname_check_failed/)],
  ] as const)('by the rule %s', async (rule, expected) => {
    const customizeHostnameCheck = { matchFun: ssl.pkixVerifyHostnameMatchFun(rule) };
    expect((await reach('localhost', { ...wish, customizeHostnameCheck })).client).toEqual(expected);
  });

  it('are known when nobody says anything', async () => {
    expect((await reach('localhost', wish)).client).toBe('ok');
  });
});

describe('pkixVerifyHostname', () => {
  it('compares the names of a certificate in DER with references', () => {
    expect(ssl.pkixVerifyHostname(leaf.cert, [{ dns_id: 'WWW.example.org.' }])).toBe(true);
    expect(ssl.pkixVerifyHostname(leaf.cert, [{ dns_id: 'other' }, { ip: [127, 0, 0, 1] }])).toBe(true);
    expect(ssl.pkixVerifyHostname(leaf.cert, [{ uri_id: 'https://localhost:8443/x' }])).toBe(true);
    expect(ssl.pkixVerifyHostname(leaf.cert, [{ dns_id: 'example.org' }])).toBe(false);
    expect(ssl.pkixVerifyHostname(leaf.cert, [])).toBe(false);
  });

  it('raises a TypeError for what is no certificate, and for a rule that nobody knows', () => {
    expect(() => ssl.pkixVerifyHostname(Uint8Array.of(1, 2, 3), [])).toThrow(TypeError);
    const unknown: Parameters<typeof ssl.pkixVerifyHostnameMatchFun>[0] = JSON.parse('"toString"');
    expect(() => ssl.pkixVerifyHostnameMatchFun(unknown)).toThrow(TypeError);
  });
});
