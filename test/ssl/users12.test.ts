/** Users whose key both sides have, in TLS 1.2 and before (RFC 4279, RFC 5054), over loopback. */
import { createNode, type Node, type Self, silentLogger } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Host, host, meet, part } from '../resumption/two-ends.js';

let node: Node;
let self: Self;
beforeAll(async () => {
  node = createNode({ logger: silentLogger });
  self = node.shell();
  ssl.unwrap(await ssl.start({ node }));
});
afterAll(async () => {
  await ssl.stop(node);
});

const key = Buffer.alloc(32, 9);
const text = (name: Uint8Array): string => Buffer.from(name).toString();
const alice = ssl.srpVerifier('alice', 'password of alice');

type Lookup = ssl.UserLookupFun;
/** Knows the meter's key, and alice. */
const lookup: Lookup = (type, name) => {
  if (type === 'psk') return text(name) === 'meter 7' ? { ok: key } : 'error';
  return text(name) === 'alice' ? { ok: alice } : 'error';
};
const versions = ['tlsv1.2'] as const;
const suites = {
  psk: 'TLS_PSK_WITH_AES_128_GCM_SHA256',
  dhe_psk: 'TLS_DHE_PSK_WITH_AES_128_GCM_SHA256',
  ecdhe_psk: 'TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256',
  rsa_psk: 'TLS_RSA_PSK_WITH_AES_128_GCM_SHA256',
  srp_anon: 'TLS_SRP_SHA_WITH_AES_128_CBC_SHA',
} as const;
/** A server without a certificate. */
const bare: ssl.TlsServerOptions = { cert: undefined, key: undefined };

const serving = (suite: keyof typeof suites, fun: Lookup = lookup): Promise<Host> =>
  host(self, { ...bare, versions, ciphers: suites[suite], userLookupFun: [fun, {}] });
const meter = (suite: keyof typeof suites, fun: Lookup = lookup): ssl.TlsClientOptions => ({
  versions,
  ciphers: suites[suite],
  pskIdentity: 'meter 7',
  userLookupFun: [fun, {}],
});
const user = (username: string, password: string): ssl.TlsClientOptions => ({
  versions,
  ciphers: suites.srp_anon,
  srpIdentity: [username, password],
});

/** How a client that is refused hears it. */
async function refusal(at: Host, options: ssl.TlsClientOptions): Promise<unknown> {
  return meet(self, at, options).then(
    () => 'accepted',
    (error: unknown) => Object(error).reason,
  );
}

describe('a key that both had before', () => {
  it.each(['psk', 'dhe_psk', 'ecdhe_psk'] as const)('%s: both sides tell whose it is', async (suite) => {
    const at = await serving(suite);
    const meeting = await meet(self, at, meter(suite));
    expect(meeting.server).toMatchObject({ pskIdentity: 'meter 7', protocol: 'tlsv1.2' });
    expect(meeting.client).toMatchObject({ pskIdentity: 'meter 7' });
    expect(meeting.server).not.toHaveProperty('srpUsername');
    await part(meeting);
  });

  it('both functions are asked for the identity, with their state, and may be slow', async () => {
    const asked: unknown[] = [];
    const slow: Lookup = async (type, name, state) => {
      asked.push([type, text(name), state]);
      await new Promise((resolve) => setTimeout(resolve, 30));
      return { ok: key };
    };
    const at = await host(self, {
      ...bare,
      ...{ versions, ciphers: suites.psk, userLookupFun: [slow, 'server'], pskIdentity: 'who are you?' },
    });
    await part(await meet(self, at, { ...meter('psk'), userLookupFun: [slow, 'client'] }));
    expect(asked).toEqual([
      ['psk', 'meter 7', 'client'],
      ['psk', 'meter 7', 'server'],
    ]);
  });

  it('an identity that nobody has is refused just as a wrong key is', async () => {
    const at = await serving('psk');
    const wrongKey = await refusal(
      at,
      meter('psk', () => ({ ok: Buffer.alloc(32, 1) })),
    );
    const unknown = { ...meter('psk', () => ({ ok: key })), pskIdentity: 'meter 8' };
    expect(wrongKey).toMatchObject({ tls_alert: ['bad_record_mac', expect.any(String)] });
    expect(await refusal(at, unknown)).toEqual(wrongKey);
  });

  it('a key that is meant for the importer of TLS 1.3 is never used itself', async () => {
    const at = await serving('psk', () => ({ ok: key, imported: {} }));
    expect(await refusal(at, meter('psk'))).toMatchObject({
      tls_alert: ['bad_record_mac', expect.any(String)],
    });
  });

  it('a client without a key of its own ends the handshake itself', async () => {
    const at = await serving('psk');
    for (const none of [meter('psk', () => 'error'), { versions, ciphers: suites.psk }])
      expect(await refusal(at, none)).toMatchObject({ tls_alert: [expect.any(String), expect.any(String)] });
  });

  it.each([
    ['throws', () => Promise.reject(new Error('no database'))],
    ['answers nonsense', () => JSON.parse('{"ok":"text"}')],
  ] as const)('a function that %s fails the connection that asked, and no other', async (_how, broken) => {
    const fun: Lookup = (type, name, state) =>
      text(name) === 'meter 7' ? lookup(type, name, state) : broken();
    const at = await serving('psk', fun);
    const other = { ...meter('psk', () => ({ ok: key })), pskIdentity: 'meter 8' };
    const [failed, meeting] = await Promise.all([refusal(at, other), meetAgain(at)]);
    expect(failed).toMatchObject({ tls_alert: ['internal_error', expect.any(String)] });
    await part(meeting);
  });

  /** Accepts are answered in the order of the connections: a failure of the other one is not ours. */
  async function meetAgain(at: Host): ReturnType<typeof meet> {
    return meet(self, at, meter('psk')).catch(() => meet(self, at, meter('psk')));
  }

  it('a server that nobody can be asked of chooses no such suite', async () => {
    const at = await host(self, { ...bare, versions, ciphers: suites.psk });
    expect(await refusal(at, meter('psk'))).toMatchObject({
      tls_alert: ['insufficient_security', expect.any(String)],
    });
  });
});

describe('SRP', () => {
  it('both sides tell the user', async () => {
    const at = await serving('srp_anon');
    const meeting = await meet(self, at, user('alice', 'password of alice'));
    expect(meeting.server).toMatchObject({ srpUsername: 'alice' });
    expect(meeting.client).toMatchObject({ srpUsername: 'alice' });
    expect(JSON.stringify([meeting.server, meeting.client])).not.toContain('password of alice');
    await part(meeting);
  });

  it('a server may have what OTP has, the hash of the password', async () => {
    const { createHash } = await import('node:crypto');
    const sha = (...parts: readonly (string | Uint8Array)[]): Buffer =>
      parts.reduce((hash, piece) => hash.update(piece), createHash('sha1')).digest();
    const salt = Buffer.alloc(16, 5);
    const derivedKey = sha(salt, sha('alice:password of alice'));
    const at = await serving('srp_anon', () => ({ ok: { group: 'srp_3072', salt, derivedKey } }));
    await part(await meet(self, at, user('alice', 'password of alice')));
  });

  it('a user that there is not looks like a wrong password, with the same salt each time', async () => {
    const at = await serving('srp_anon');
    const wrong = await refusal(at, user('alice', 'a guess'));
    expect(wrong).toMatchObject({ tls_alert: ['bad_record_mac', expect.any(String)] });
    expect(await refusal(at, user('bob', 'a guess'))).toEqual(wrong);
  });

  it('a server answers nonsense to nobody', async () => {
    const nonsense = [
      { ok: { ...alice, salt: new Uint8Array(0) } },
      { ok: { ...alice, group: { prime: Uint8Array.of(23), generator: Uint8Array.of(5) } } },
      { ok: key },
    ];
    for (const answer of nonsense) {
      const at = await serving('srp_anon', () => JSON.parse('null') ?? answer);
      expect(await refusal(at, user('alice', 'password of alice'))).toMatchObject({
        tls_alert: ['internal_error', expect.any(String)],
      });
    }
  });

  it('srpVerifier takes a name that can be sent, and gives another salt each time', () => {
    expect(() => ssl.srpVerifier('', 'x')).toThrow(TypeError);
    expect(() => ssl.srpVerifier('ü'.repeat(128), 'x')).toThrow(TypeError);
    expect(ssl.srpVerifier('alice', 'x').salt).not.toEqual(ssl.srpVerifier('alice', 'x').salt);
    const salt = Uint8Array.of(1, 2, 3);
    expect(ssl.srpVerifier('alice', 'x', { salt })).toEqual(ssl.srpVerifier('alice', 'x', { salt }));
  });
});
