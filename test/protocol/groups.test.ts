/** Key exchange of TLS 1.3 (RFC 8446 §4.2.8): every group, any number of shares, and what strangers send as one. */
import { describe, expect, test } from 'vitest';
import type {
  CryptoEngine,
  FiniteFieldGroupName,
  Group,
  HybridGroupName,
} from '../../packages/ssl/src/values/crypto/engine.js';
import { ffdhePrimes } from '../../packages/ssl/src/values/crypto/node/ffdhe-primes.js';
import { groupCode } from '../../packages/ssl/src/values/registry/groups.js';
import { decodeHandshake, encodeHandshake } from '../../packages/ssl/src/values/wire/tls13-messages.js';
import { onEngine } from '../support/engine.js';
import { type Bend, bent, bentHandshake, plainRecord, replaced } from './bend.js';
import { expectToTalk } from './talk.js';
import { client, connected, engine, exchange, groups13, pieces, server, tls12 } from './two-cores.js';

const hybrids = ['x25519mlkem768', 'secp256r1mlkem768', 'secp384r1mlkem1024'] as const;

function groupOf(name: Group['name'], of: CryptoEngine = engine): Group {
  const group = of.group(name);
  if (group === undefined) throw new Error(`the engine has no ${name}`);
  return group;
}

test('every engine has the hybrid groups, the curves and those of Brainpool', () => {
  expect(groups13.slice(0, 8)).toEqual([...hybrids, 'x25519', 'x448', 'secp256r1', 'secp384r1', 'secp521r1']);
  expect(groups13.slice(-3).map(groupCode)).toEqual([31, 32, 33]);
});

describe.each(groups13)('%s', (name) => {
  const config = { supportedGroups: [name] };

  test('is agreed on by a first hello', () => {
    const ends = connected({ config }, { config });
    expectToTalk(ends);
    expect(ends.client.sink.facts).toMatchObject({ group: name, retried: false });
    expect(ends.server.sink.facts).toMatchObject({ group: name, retried: false });
  });

  test('is asked for by a HelloRetryRequest', () => {
    const ends = connected({ config: { supportedGroups: [name], keyShares: [] } }, { config });
    expectToTalk(ends);
    expect(ends.client.sink.facts).toMatchObject({ group: name, retried: true });
  });

  test('one private key makes one share, and both sides one secret', () => {
    const group = groupOf(name);
    const own = group.generate();
    expect(own.publicKey).toHaveLength(group.publicKeyLength);
    if (group.kind === 'kem') {
      const answer = group.respond(own.publicKey);
      expect(answer && own.sharedSecret(answer.publicKey)).toEqual(answer?.secret);
      return;
    }
    const other = group.generate();
    const secret = own.sharedSecret(other.publicKey);
    expect(secret).toBeDefined();
    expect(other.sharedSecret(own.publicKey)).toEqual(secret);
  });
});

describe('several shares', () => {
  const shares = ['x25519mlkem768', 'x25519', 'secp256r1'] as const;
  const several = { config: { supportedGroups: shares, keyShares: shares } };

  test.each(shares)('a server takes the one for %s, and the client that one’s secret', (name) => {
    const ends = connected(several, { config: { supportedGroups: [name] } });
    expectToTalk(ends);
    expect(ends.client.sink.facts).toMatchObject({ group: name, retried: false });
  });

  test('stand in the hello in the order of the groups', () => {
    const end = client({ config: { supportedGroups: shares, keyShares: shares.toReversed() } });
    end.core.start();
    expect(sharesOf(end.sink.take())).toEqual(shares.map(groupCode));
  });

  test('the server’s order decides, a group with a share before one without', () => {
    const offered = { config: { supportedGroups: shares, keyShares: ['x25519', 'secp256r1'] as const } };
    const ends = connected(offered, { config: { supportedGroups: ['x25519mlkem768', 'secp256r1'] } });
    expect(ends.client.sink.facts).toMatchObject({ group: 'secp256r1', retried: false });
  });

  test('a server that wants another group gets one share of it', () => {
    const supportedGroups = [...shares, 'secp384r1'] as const;
    const ends = connected(
      { config: { supportedGroups, keyShares: shares } },
      { config: { supportedGroups: ['secp384r1'] } },
    );
    expectToTalk(ends);
    expect(ends.client.sink.facts).toMatchObject({ group: 'secp384r1', retried: true });
  });

  test.each(shares)('a HelloRetryRequest for %s, whose share was there, is refused', (name) => {
    const bend: Bend = (type, message) => {
      if (type !== 'server_hello') return [message];
      const body = decodeHandshake('server_hello', message);
      const code = groupCode(name);
      return [
        encodeHandshake(type, {
          ...body,
          extensions: replaced(body.extensions, 51, [code >> 8, code & 255]),
        }),
      ];
    };
    const supportedGroups = [...shares, 'secp384r1'] as const;
    const ends = bentHandshake(
      'server',
      bend,
      { config: { supportedGroups, keyShares: shares } },
      { config: { supportedGroups: ['secp384r1'] } },
    );
    expect(ends.client.sink.failures).toMatchObject([
      { alert: 'illegal_parameter', reason: 'retry_for_known_share' },
    ]);
  });

  test('a ServerHello with a share of a group that had none is refused', () => {
    const ends = bentHandshake('server', answering('secp384r1'), several, {
      config: { supportedGroups: ['x25519'] },
    });
    expect(ends.client.sink.failures).toMatchObject([{ alert: 'illegal_parameter', reason: 'wrong_group' }]);
  });

  test.each([1, 7, 600])('a hello of 1,300 bytes may come in pieces of %i', (size) => {
    const ends = { client: client(several), server: server({ config: { supportedGroups: shares } }) };
    ends.client.core.start();
    exchange(ends.client, ends.server, pieces(size));
    expectToTalk(ends);
    expect(ends.client.sink.facts?.group).toBe('x25519mlkem768');
  });

  test('and in several records, as the ServerHello may', () => {
    const ends = { client: client(several), server: server({ config: { supportedGroups: shares } }) };
    ends.client.core.start();
    ends.server.core.receive(inRecords(ends.client.sink.take(), 100));
    const flight = ends.server.sink.take();
    const first = 5 + (((flight[3] ?? 0) << 8) | (flight[4] ?? 0));
    ends.client.core.receive(inRecords(flight.subarray(0, first), 100));
    ends.client.core.receive(flight.subarray(first));
    exchange(ends.client, ends.server);
    expectToTalk(ends);
  });
});

/** Codes of the shares in a client's first record. */
function sharesOf(record: Uint8Array): number[] {
  const { extensions } = decodeHandshake('client_hello', record.subarray(5));
  const data =
    extensions.find(({ extensionType }) => extensionType === 51)?.extensionData ?? new Uint8Array(0);
  const codes: number[] = [];
  for (let at = 2; at < data.length; at += 4 + (((data[at + 2] ?? 0) << 8) | (data[at + 3] ?? 0)))
    codes.push(((data[at] ?? 0) << 8) | (data[at + 1] ?? 0));
  return codes;
}

/** One record's message in records of at most `size` bytes. */
function inRecords(record: Uint8Array, size: number): Uint8Array {
  const parts = pieces(size)(record.subarray(5));
  return Buffer.concat(parts.map((part) => plainRecord(22, part)));
}

/** A ServerHello whose share is of another group. */
function answering(name: Group['name'], share: Uint8Array = groupOf(name).generate().publicKey): Bend {
  return (type, message) => {
    if (type !== 'server_hello') return [message];
    const body = decodeHandshake('server_hello', message);
    return [
      encodeHandshake(type, { ...body, extensions: replaced(body.extensions, 51, entry(name, share)) }),
    ];
  };
}

function entry(name: Group['name'], share: Uint8Array): number[] {
  const code = groupCode(name);
  return [code >> 8, code & 255, share.length >> 8, share.length & 255, ...share];
}

/** What a server says to a share. */
function answerTo(name: Group['name'], share: Uint8Array): unknown {
  const bend: Bend = (type, message) => {
    if (type !== 'client_hello') return [message];
    const body = decodeHandshake('client_hello', message);
    const one = entry(name, share);
    const list = [one.length >> 8, one.length & 255, ...one];
    return [encodeHandshake(type, { ...body, extensions: replaced(body.extensions, 51, list) })];
  };
  const config = { supportedGroups: [name] };
  const ends = bentHandshake('client', bend, { config }, { config });
  return ends.server.sink.failures[0];
}

const refused = { by: 'self', alert: 'illegal_parameter', reason: 'bad_key_share' };

describe.each(hybrids)('%s from a stranger', (name) => {
  const good = groupOf(name).generate().publicKey;
  const first = name === 'x25519mlkem768' ? 'kem' : 'curve';
  const kemLength = name === 'secp384r1mlkem1024' ? 1568 : 1184;
  const kemAt = first === 'kem' ? 0 : good.length - kemLength;
  const curveAt = first === 'kem' ? kemLength : 0;

  test.each([
    ['a byte short', good.subarray(1)],
    ['a byte long', Uint8Array.of(...good, 0)],
    ['its curve alone', good.subarray(curveAt, curveAt + good.length - kemLength)],
    // FIPS 203 §7.2: twelve ones are 4095, and numbers are below 3329.
    ['a number of ML-KEM that is not reduced', changed(good, kemAt, [0xff, 0xff, 0xff])],
    ['a curve of nothing but zeros', changed(good, curveAt, new Array(good.length - kemLength).fill(0))],
  ])('%s is refused before anything is answered', (_what, share) => {
    expect(answerTo(name, share)).toMatchObject(refused);
  });

  test('a server’s answer of another length, or with a wrong curve, is refused by the client', () => {
    const group = groupOf(name);
    const answer = group.kind === 'kem' ? group.respond(good)?.publicKey : undefined;
    if (answer === undefined) throw new Error('no answer');
    const curve = first === 'kem' ? answer.length - (good.length - kemLength) : 0;
    const config = { supportedGroups: [name] };
    for (const share of [
      answer.subarray(1),
      changed(answer, curve, new Array(good.length - kemLength).fill(0)),
    ]) {
      const ends = bentHandshake('server', answering(name, share), { config }, { config });
      expect(ends.client.sink.failures).toMatchObject([refused]);
    }
  });

  test('an answer to another key gives keys that nobody shares', () => {
    const group = groupOf(name);
    const other = group.kind === 'kem' ? group.respond(group.generate().publicKey)?.publicKey : undefined;
    const config = { supportedGroups: [name] };
    const ends = bentHandshake('server', answering(name, other), { config }, { config });
    expect(ends.client.sink.failures).toMatchObject([{ reason: 'bad_record_mac' }]);
  });
});

function changed(bytes: Uint8Array, at: number, by: readonly number[]): Uint8Array {
  const copy = new Uint8Array(bytes);
  copy.set(by, at);
  return copy;
}

const finiteFields: readonly FiniteFieldGroupName[] = onEngine(['ffdhe2048', 'ffdhe8192'], () => 'rsa');

describe.each(finiteFields)('%s from a stranger', (name) => {
  const prime = Uint8Array.from(Buffer.from(ffdhePrimes[name], 'hex'));
  const number = (last: number): Uint8Array =>
    changed(new Uint8Array(prime.length), prime.length - 1, [last]);

  // RFC 8446 §4.2.8.1
  test.each([
    ['0', number(0)],
    ['1', number(1)],
    ['p - 1', changed(prime, prime.length - 1, [0xfe])],
    ['p', prime],
    ['all ones', new Uint8Array(prime.length).fill(0xff)],
    ['a byte short', groupOf(name).generate().publicKey.subarray(1)],
    ['a byte long', Uint8Array.of(0, ...groupOf(name).generate().publicKey)],
  ])('%s is refused', (_what, share) => {
    expect(answerTo(name, share)).toMatchObject(refused);
  });

  test('a secret has as many bytes as the prime, whatever its number', () => {
    const share = groupOf(name).generate();
    expect(share.sharedSecret(number(2))).toHaveLength(prime.length);
  });
});

test('finite-field values that begin with zeros are written in full, and secrets likewise', () => {
  if (engine.group('ffdhe2048') === undefined) return;
  const group = groupOf('ffdhe2048');
  // 2^8 = 256: public value and, with the other's exponent 1, secret are short numbers.
  const eight = group.fromPrivateKey(Uint8Array.of(8));
  const nine = group.fromPrivateKey(Uint8Array.of(9));
  expect(Buffer.from(eight.publicKey).toString('hex')).toBe('0100'.padStart(512, '0'));
  expect(Buffer.from(eight.sharedSecret(nine.publicKey) ?? []).toString('hex')).toBe(
    (2n ** 72n).toString(16).padStart(512, '0'),
  );
});

test('a server answers one share of a hello, whatever else is in it', () => {
  let answers = 0;
  const counting: CryptoEngine = {
    ...bare(engine),
    group: (name) => {
      const group = engine.group(name);
      if (group?.kind !== 'kem') return group;
      return Object.create(group, {
        respond: {
          value: (share: Uint8Array) => {
            answers += 1;
            return group.respond(share);
          },
        },
      });
    },
  };
  const config = { supportedGroups: hybrids, keyShares: hybrids };
  const ends = connected({ config }, { config, dependencies: { engine: counting } });
  expectToTalk(ends);
  expect(answers).toBe(1);
});

/** The functions of an engine, whatever class it is of. */
function bare(of: CryptoEngine): CryptoEngine {
  return {
    name: of.name,
    hash: (name) => of.hash(name),
    aead: (name) => of.aead(name),
    cipher: (name) => engine.cipher(name),
    finiteField: (prime, generator) => engine.finiteField(prime, generator),
    kem: (name) => of.kem(name),
    group: (name) => of.group(name),
    supportsKey: (algorithm, curve) => of.supportsKey(algorithm, curve),
    importPublicKey: (spki) => of.importPublicKey(spki),
    importPrivateKey: (pkcs8) => of.importPrivateKey(pkcs8),
    equal: (a, b) => of.equal(a, b),
    randomBytes: (length) => of.randomBytes(length),
  };
}

// A hello of both versions lists groups that TLS 1.2 does not have, or has for other suites (RFC 7919 §4).
test.each<HybridGroupName | 'ffdhe2048' | 'brainpoolP256r1tls13'>([
  'x25519mlkem768',
  'ffdhe2048',
  'brainpoolP256r1tls13',
])('a server of TLS 1.2 that answers with %s is refused', (name) => {
  if (engine.group(name) === undefined) return;
  const code = groupCode(name);
  const bend: Bend = (type, message) => {
    if (type !== 'server_key_exchange') return [message];
    const copy = new Uint8Array(message);
    copy.set([code >> 8, code & 255], 5);
    return [copy];
  };
  const ends = {
    client: client({
      config: {
        ...tls12,
        versions: ['tlsv1.3', 'tlsv1.2'],
        // Of the server's certificate, too.
        supportedGroups: [name, 'x25519', 'secp256r1'],
        keyShares: ['x25519'],
      },
    }),
    server: server({ config: { ...tls12, eccs: ['x25519'] }, ...bent(bend) }),
  };
  ends.client.core.start();
  exchange(ends.client, ends.server);
  expect(ends.client.sink.failures).toMatchObject([{ alert: 'illegal_parameter', reason: 'wrong_group' }]);
});
