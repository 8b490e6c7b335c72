/** Keys that both sides have before they meet, in TLS 1.3 (RFC 8446 §4.2.11, RFC 9258), over loopback. */
import { createNode, type Node, type Self, silentLogger } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { host, meet, part, resumes, served } from './two-ends.js';

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
const text = (identity: Uint8Array): string => Buffer.from(identity).toString();

/** Knows `meter 7`, by whatever its state says beside the key. */
const lookup: ssl.UserLookupFun = (_type, identity, state) =>
  text(identity) === 'meter 7' ? { ok: key, ...Object(state) } : 'error';

const keyed = (state: object = {}, fun = lookup) => ({ userLookupFun: [fun, state] as const });
const meter = { pskIdentity: 'meter 7' };
/** A server without a certificate: nothing but the key can prove who it is. */
const bare: ssl.TlsServerOptions = { cert: undefined, key: undefined };

const alertOf = (alert: string) => ({ reason: { tls_alert: [alert, expect.any(String)] } });

describe('a key of user_lookup_fun', () => {
  it.each(['sha256', 'sha384'] as const)('proves both sides, used with %s', async (hash) => {
    const at = await host(self, { ...keyed({ hash }), ...bare });
    const meeting = await meet(self, at, { ...keyed({ hash }), ...meter });
    expect(meeting.server).toMatchObject({ sessionResumption: false, selectedCipherSuite: { prf: hash } });
    expect(await ssl.peercert(meeting.clientSocket)).toEqual({ error: 'no_peercert' });
    await part(meeting);
  });

  it('may come late, and is asked for by its identity with the user’s state', async () => {
    const asked: unknown[] = [];
    const late: ssl.UserLookupFun = async (...args) => {
      asked.push(args.map((arg) => (arg instanceof Uint8Array ? text(arg) : arg)));
      await new Promise((resolve) => setTimeout(resolve, 20));
      return { ok: key };
    };
    const at = await host(self, { ...keyed({ a: 1 }, late), ...bare });
    await part(await meet(self, at, { ...keyed({ b: 2 }, late), ...meter }));
    expect(asked).toEqual([
      ['psk', 'meter 7', { b: 2 }],
      ['psk', 'meter 7', { a: 1 }],
    ]);
  });

  it('that the server does not know leads to a full handshake, or fails as one without a key does', async () => {
    const unknown = { ...keyed({}, () => ({ ok: key })), pskIdentity: 'meter 8' };
    const certified = await host(self, keyed());
    const meeting = await meet(self, certified, unknown);
    expect(await ssl.peercert(meeting.clientSocket)).toHaveProperty('ok');
    await part(meeting);
    const at = await host(self, { ...keyed(), ...bare });
    await expect(meet(self, at, unknown)).rejects.toMatchObject(alertOf('decrypt_error'));
  });

  it('that is another than the server’s fails the handshake', async () => {
    const at = await host(self, keyed());
    const wrong = keyed({}, () => ({ ok: Buffer.alloc(32, 1) }));
    await expect(meet(self, at, { ...wrong, ...meter })).rejects.toMatchObject(alertOf('illegal_parameter'));
    const otherHash = { ...keyed({ hash: 'sha384' }), ...meter };
    await expect(meet(self, at, otherHash)).rejects.toMatchObject(alertOf('illegal_parameter'));
  });

  it('may be followed by a HelloRetryRequest', async () => {
    const at = await host(self, { ...keyed(), ...bare, supportedGroups: ['secp384r1'] });
    const groups = { supportedGroups: ['x25519', 'secp384r1'] as const, ciphers: ['TLS_AES_128_GCM_SHA256'] };
    await part(await meet(self, at, { ...keyed(), ...meter, ...groups }));
  });

  it('goes beside tickets: those of full handshakes are resumed, and there are none for keys', async () => {
    const at = await host(self, { ...keyed(), sessionTickets: 'stateless' });
    const options = { ...keyed(), sessionTickets: 'auto' as const };
    await part(await meet(self, at, { ...options, ...meter }));
    expect(await at.counters()).toMatchObject({ external: 1, issued: 0, refused: { unknown: 0 } });
    expect(await resumes(self, at, options)).toBe(false);
    expect(await resumes(self, at, { ...options, ...meter })).toBe(true);
  });
});

describe('the importer (RFC 9258)', () => {
  const imported = { imported: {} };

  it.each(['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384'])('makes a key for %s', async (suite) => {
    const at = await host(self, { ...keyed(imported), ...bare, ciphers: [suite] });
    await part(await meet(self, at, { ...keyed(imported), ...meter }));
  });

  it('binds keys to a context that both sides name', async () => {
    const context = (name: string) => keyed({ imported: { context: Buffer.from(name) } });
    const at = await host(self, { ...context('a to b'), ...bare });
    await part(await meet(self, at, { ...context('a to b'), ...meter }));
    await expect(meet(self, at, { ...context('b to a'), ...meter })).rejects.toMatchObject(
      alertOf('decrypt_error'),
    );
  });

  it('keeps keys that are imported and keys that are not apart', async () => {
    const at = await host(self, { ...keyed(imported), ...bare });
    await expect(meet(self, at, { ...keyed(), ...meter })).rejects.toMatchObject(alertOf('decrypt_error'));
    const plain = await host(self, { ...keyed(), ...bare });
    await expect(meet(self, plain, { ...keyed(imported), ...meter })).rejects.toMatchObject(
      alertOf('decrypt_error'),
    );
  });
});

describe('a function of the user’s', () => {
  it('that throws, answers nonsense or never answers is felt by its own connection alone', async () => {
    const bad: Readonly<Record<string, ssl.UserLookupFun>> = {
      throws: () => {
        throw new Error('on purpose');
      },
      rejects: () => Promise.reject(new Error('on purpose')),
      nonsense: () => Object({ ok: 'text' }),
      empty: () => ({ ok: new Uint8Array() }),
    };
    const fun: ssl.UserLookupFun = (type, identity, state) =>
      text(identity) === 'slow'
        ? new Promise(() => {})
        : (bad[text(identity)] ?? lookup)(type, identity, state);
    const at = await host(self, { ...keyed({}, fun), ...bare });
    const slow = ssl.connect(
      self,
      'localhost',
      at.port,
      { verify: 'verify_none', ...keyed({}, () => ({ ok: key })), pskIdentity: 'slow', active: false },
      1500,
    );
    const slowly = ssl.unwrap(await ssl.transportAccept(self, at.listener, 5000));
    const waiting = ssl.handshake(self, slowly, 1000);
    for (const pskIdentity of Object.keys(bad)) {
      const own = { ...keyed({}, () => ({ ok: key })), pskIdentity };
      await expect(meet(self, at, own), pskIdentity).rejects.toMatchObject(alertOf('internal_error'));
    }
    await part(await meet(self, at, { ...keyed(), ...meter }));
    expect(await waiting).toEqual({ error: 'timeout' });
    expect(await slow).toHaveProperty('error');
  });

  it('of a client’s is no better: its own connection fails', async () => {
    const at = await host(self, served);
    const fun = (): never => {
      throw new Error('on purpose');
    };
    const answer = await ssl.connect(self, 'localhost', at.port, { ...keyed({}, fun), ...meter }, 5000);
    expect(answer).toMatchObject({ error: { tls_alert: ['internal_error', expect.any(String)] } });
  });

  it('is asked for a few identities of a hello, not for thousands', async () => {
    let asked = 0;
    const counting: ssl.UserLookupFun = () => {
      asked += 1;
      return 'error';
    };
    const at = await host(self, keyed({}, counting));
    const many = keyed({ imported: {} });
    await part(await meet(self, at, { ...many, ...meter }));
    // Two identities of the importer by one name: looked for by that once, and each as it stands.
    expect(asked).toBe(3);
  });
});
