/** Certificate compression (RFC 8879): both sides, each algorithm, what it must not cost, and what is kept. */
import { brotliCompressSync, constants, deflateSync } from 'node:zlib';
import {
  type Compressor,
  type Compressors,
  Core,
  nodeCompressors,
  type OwnIdentity,
} from '@actor-tls/ssl/core';
import { describe, expect, test } from 'vitest';
import type { CompressionAlgorithm } from '../../packages/ssl/src/values/registry/certificate-compression.js';
import type { CompressedCertificate } from '../../packages/ssl/src/values/wire/messages/compressed-certificate.js';
import {
  decodeHandshake,
  encodeHandshake,
  type HandshakeType,
} from '../../packages/ssl/src/values/wire/tls13-messages.js';
import { type Bend, bent, bentHandshake } from './bend.js';
import { expectToTalk } from './talk.js';
import {
  acceptKnown,
  type ClientOverrides,
  client,
  connected,
  engine,
  exchange,
  identityOf,
  peerChain,
  Recorder,
  type ServerOverrides,
  server,
  serverOptions,
} from './two-cores.js';

const codes: Readonly<Record<CompressionAlgorithm, number>> = { zlib: 1, brotli: 2, zstd: 3 };
const there = (['zlib', 'brotli', 'zstd'] as const).filter((name) => nodeCompressors[name] !== undefined);

const insisting = { verify: 'verify_peer', failIfNoPeerCert: true } as const;

type Both = ClientOverrides & ServerOverrides;
function side(
  send: readonly CompressionAlgorithm[],
  receive: readonly CompressionAlgorithm[],
  compressors: Compressors = nodeCompressors,
): Both {
  return { dependencies: { engine, compressors }, config: { certificateCompression: { send, receive } } };
}

/** A chain in which there is something to compress: the same again and again. */
function long(): OwnIdentity {
  const { identity } = identityOf('ec');
  return { ...identity, chain: Array.from({ length: 5 }, () => identity.chain[0] ?? new Uint8Array(0)) };
}

/** The messages of a side by their types. */
function spied(seen: (readonly [HandshakeType, Uint8Array])[]): Bend {
  return (type, message) => {
    if (type === 'certificate' || type === 'compressed_certificate') seen.push([type, message]);
    return [message];
  };
}

describe.each(there)('%s', (algorithm) => {
  test('compresses the server’s certificate for a client that reads it', () => {
    const identity = long();
    const seen: (readonly [HandshakeType, Uint8Array])[] = [];
    const ends = bentHandshake('server', spied(seen), side([], [algorithm]), {
      ...side([algorithm], []),
      identities: [identity],
    });
    expectToTalk(ends);
    expect(peerChain(ends.client.sink.facts)).toEqual(identity.chain);
    expect(seen).toHaveLength(1);
    const [[type, message] = ['certificate', new Uint8Array(0)]] = seen;
    expect(type).toBe('compressed_certificate');
    expect(decodeHandshake('compressed_certificate', message).algorithm).toBe(codes[algorithm]);
    expect(message.length).toBeLessThan(Buffer.concat(identity.chain).length / 2);
  });

  test.each(['here', 'elsewhere'] as const)(
    'compresses the client’s for a server that reads it, its key %s',
    (where) => {
      const identity = long();
      const { key } = identityOf('ec').identity;
      const seen: (readonly [HandshakeType, Uint8Array])[] = [];
      const shown: OwnIdentity = where === 'here' ? identity : { ...identity, key: 'remote' };
      const asking = side([], [algorithm]);
      const ends = {
        client: client({ ...side([algorithm], []), identities: [shown], ...bent(spied(seen)) }),
        server: server({ ...asking, config: { ...asking.config, ...insisting } }),
      };
      ends.client.sink.onSignature = (_name, data, core) =>
        core.answerSignature(key.sign({ type: 'ecdsa', hash: 'sha256' }, data));
      ends.client.core.start();
      exchange(ends.client, ends.server);
      expectToTalk(ends);
      expect(seen.map(([type]) => type)).toEqual(['compressed_certificate']);
      expect(peerChain(ends.server.sink.facts)).toEqual(identity.chain);
    },
  );

  test('a stream of another length than it says is a bad certificate', () => {
    for (const more of [-1, 1]) {
      const ends = bentHandshake(
        'server',
        compressed((message) => ({ ...message, uncompressedLength: message.uncompressedLength + more })),
        side([], [algorithm]),
        { ...side([algorithm], []), identities: [long()] },
      );
      expect(ends.client.sink.failures).toMatchObject([{ alert: 'bad_certificate' }]);
    }
  });

  test.each([
    ['cut off', (bytes: Uint8Array) => bytes.subarray(0, -2)],
    ['with something behind it', (bytes: Uint8Array) => Uint8Array.from([...bytes, 7])],
    ['of nonsense', (bytes: Uint8Array) => bytes.map((byte) => byte ^ 0x5a)],
  ])('a stream %s is a bad certificate', (_what, rewrite) => {
    const ends = bentHandshake(
      'server',
      compressed((message) => ({
        ...message,
        compressedCertificateMessage: rewrite(message.compressedCertificateMessage),
      })),
      side([], [algorithm]),
      { ...side([algorithm], []), identities: [long()] },
    );
    expect(ends.client.sink.failures).toMatchObject([
      { reason: 'bad_compressed_certificate', alert: 'bad_certificate' },
    ]);
  });

  test('expands no further than it is told, whatever the input would become', () => {
    const bomb = bombs[algorithm]();
    expect(bomb.length).toBeLessThan(700_000);
    const before = process.memoryUsage().arrayBuffers;
    const started = process.cpuUsage();
    for (let i = 0; i < 20; i += 1) expect(nodeCompressors[algorithm]?.expand(bomb, 65_536)).toBeUndefined();
    const { user, system } = process.cpuUsage(started);
    // All of the 64 MB would take several seconds.
    expect(user + system).toBeLessThan(1_000_000);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32_000_000);
  });
});

/** 64 MB in a few bytes, made quickly. */
const bombs: Readonly<Record<CompressionAlgorithm, () => Uint8Array>> = {
  zlib: () => deflateSync(new Uint8Array(64_000_000), { level: 1 }),
  brotli: () =>
    brotliCompressSync(new Uint8Array(64_000_000), {
      params: { [constants.BROTLI_PARAM_QUALITY]: 3, [constants.BROTLI_PARAM_LGWIN]: 22 },
    }),
  zstd: () => nodeCompressors.zstd?.compress(new Uint8Array(64_000_000)) ?? new Uint8Array(0),
};

/** A handshake with a server that has this stapled to its certificate. */
function stapled(identity: OwnIdentity, zlib: Compressor, staple: number) {
  class Stapler extends Recorder {
    askStaple(): void {
      this.core?.answerStaple(Uint8Array.of(staple));
    }
  }
  const sink = new Stapler(acceptKnown);
  const own = serverOptions({ ...side(['zlib'], [], { zlib }), identities: [identity] });
  const core = Core.server(own, sink);
  sink.core = core;
  const statusRequest = { responderIds: [], requestExtensions: new Uint8Array(0) };
  const ends = { client: client({ ...side([], ['zlib']), statusRequest }), server: { core, sink } };
  ends.client.core.start();
  exchange(ends.client, ends.server);
  return ends;
}

/** The server's CompressedCertificate, rewritten. */
function compressed(rewrite: (message: CompressedCertificate) => CompressedCertificate): Bend {
  return (type, message) =>
    type === 'compressed_certificate'
      ? [encodeHandshake(type, rewrite(decodeHandshake(type, message)))]
      : [message];
}

describe('a compressed certificate', () => {
  test('says of itself how long it will be, before anything is expanded', () => {
    const asked: number[] = [];
    const zlib = nodeCompressors.zlib;
    if (zlib === undefined) throw new Error('no zlib');
    const counted: Compressor = {
      compress: zlib.compress,
      expand(bytes, length) {
        asked.push(length);
        return zlib.expand(bytes, length);
      },
    };
    for (const uncompressedLength of [0, 262_145, 0xff_ffff]) {
      const ends = bentHandshake(
        'server',
        compressed((message) => ({ ...message, uncompressedLength })),
        side([], ['zlib'], { zlib: counted }),
        { ...side(['zlib'], []), identities: [long()] },
      );
      expect(ends.client.sink.failures).toMatchObject([{ reason: 'bad_compressed_certificate' }]);
    }
    expect(asked).toEqual([]);
  });

  test('is no message to who has not offered to read one', () => {
    const zlib: Bend = (type, message) =>
      type === 'certificate'
        ? [
            encodeHandshake('compressed_certificate', {
              algorithm: 1,
              uncompressedLength: message.length - 4,
              compressedCertificateMessage: deflateSync(message.subarray(4)),
            }),
          ]
        : [message];
    const toClient = bentHandshake('server', zlib, side(['zlib'], []), {});
    expect(toClient.client.sink.failures).toMatchObject([{ alert: 'unexpected_message' }]);
    const toServer = bentHandshake(
      'client',
      zlib,
      { identities: [identityOf('ec').identity] },
      { config: { verify: 'verify_peer', certificateCompression: { send: ['zlib'], receive: [] } } },
    );
    expect(toServer.server.sink.failures).toMatchObject([{ alert: 'unexpected_message' }]);
  });

  test.each([
    ['that was not offered', 2],
    ['that nobody has', 0x4242],
    ['of GREASE', 0x0a0a],
  ])('by an algorithm %s is an illegal parameter', (_what, algorithm) => {
    const ends = bentHandshake(
      'server',
      compressed((message) => ({ ...message, algorithm })),
      side([], ['zlib']),
      { ...side(['zlib'], []), identities: [long()] },
    );
    expect(ends.client.sink.failures).toMatchObject([
      { reason: 'unknown_compression', alert: 'illegal_parameter' },
    ]);
  });

  test('that holds no Certificate is malformed', () => {
    const body = Buffer.from('no certificate');
    const ends = bentHandshake(
      'server',
      compressed((message) => ({
        ...message,
        uncompressedLength: body.length,
        compressedCertificateMessage: deflateSync(body),
      })),
      side([], ['zlib']),
      { ...side(['zlib'], []), identities: [long()] },
    );
    expect(ends.client.sink.failures).toMatchObject([{ alert: 'decode_error' }]);
  });

  test('that is empty is what an empty Certificate is', () => {
    const empty = Uint8Array.of(0, 0, 0, 0);
    const bend: Bend = (type, message) =>
      type === 'certificate'
        ? [
            encodeHandshake('compressed_certificate', {
              algorithm: 1,
              uncompressedLength: 4,
              compressedCertificateMessage: deflateSync(empty),
            }),
          ]
        : [message];
    const asking = side([], ['zlib']);
    const strict = { ...asking, config: { ...asking.config, ...insisting } };
    const { server } = bentHandshake('client', bend, {}, strict);
    expect(server.sink.failures).toMatchObject([{ reason: 'certificate_required' }]);
    const { client } = bentHandshake('server', bend, asking, {});
    expect(client.sink.failures).toMatchObject([{ reason: 'empty_certificate_list' }]);
  });

  test('by brotli may have the window that encoders take, and no larger one: decoders fill it first', () => {
    const bytes = Buffer.alloc(1000, 'a');
    const windowed = (lgwin: number, large: 0 | 1): Uint8Array =>
      brotliCompressSync(bytes, {
        params: {
          [constants.BROTLI_PARAM_LARGE_WINDOW]: large,
          [constants.BROTLI_PARAM_LGWIN]: lgwin,
        },
      });
    const { brotli } = nodeCompressors;
    for (const lgwin of [10, 11, 15, 16, 17, 18, 21, 22])
      expect(brotli?.expand(windowed(lgwin, 0), 1000), String(lgwin)).toEqual(bytes);
    for (const lgwin of [23, 24]) expect(brotli?.expand(windowed(lgwin, 0), 1000)).toBeUndefined();
    expect(brotli?.expand(windowed(30, 1), 1000)).toBeUndefined();
  });
});

describe('who compresses', () => {
  test('takes its own first algorithm of those that the peer reads', () => {
    const seen: (readonly [HandshakeType, Uint8Array])[] = [];
    const ends = bentHandshake('server', spied(seen), side([], ['zlib', 'brotli']), {
      ...side(['brotli', 'zlib'], []),
      identities: [long()],
    });
    expectToTalk(ends);
    const [[, message] = ['', new Uint8Array(0)]] = seen;
    expect(decodeHandshake('compressed_certificate', message).algorithm).toBe(codes.brotli);
  });

  test('does so once for a certificate, however many connections', () => {
    let times = 0;
    const zlib = nodeCompressors.zlib;
    if (zlib === undefined) throw new Error('no zlib');
    const counting: Compressor = {
      expand: zlib.expand,
      compress(bytes) {
        times += 1;
        return zlib.compress(bytes);
      },
    };
    // The identity is another each time, as that of a client that connects again: what it shows is the same.
    for (let i = 0; i < 5; i += 1)
      expectToTalk(
        connected(side([], ['zlib']), { ...side(['zlib'], [], { zlib: counting }), identities: [long()] }),
      );
    expect(times).toBe(1);
    const { identity } = identityOf('ed25519');
    const others = [{ ...identity, chain: [...identity.chain, ...identity.chain] }];
    for (let i = 0; i < 2; i += 1)
      expectToTalk(
        connected(side([], ['zlib']), { ...side(['zlib'], [], { zlib: counting }), identities: others }),
      );
    expect(times).toBe(2);
    const longer = { ...long(), chain: [...long().chain, ...long().chain] };
    expectToTalk(
      connected(side([], ['zlib']), { ...side(['zlib'], [], { zlib: counting }), identities: [longer] }),
    );
    expect(times).toBe(3);
  });

  test('sends the Certificate as it is where that is shorter, and asks no second time', () => {
    let times = 0;
    const padding: Compressor = {
      expand: () => undefined,
      compress(bytes) {
        times += 1;
        return new Uint8Array(bytes.length);
      },
    };
    const identities = [long()];
    for (let i = 0; i < 3; i += 1)
      expectToTalk(connected(side([], ['zlib']), { ...side(['zlib'], [], { zlib: padding }), identities }));
    expect(times).toBe(1);
  });

  test('does not where both have nothing in common, nor under a key', () => {
    const seen: (readonly [HandshakeType, Uint8Array])[] = [];
    const ends = bentHandshake('server', spied(seen), side([], ['zlib']), side(['brotli'], []));
    expectToTalk(ends);
    expect(seen.map(([type]) => type)).toEqual(['certificate']);
  });

  test('keeps bytes of the last few messages, not of each that was ever stapled', () => {
    const identity = { ...long(), stapling: 'ask' as const };
    let times = 0;
    const zlib = nodeCompressors.zlib;
    if (zlib === undefined) throw new Error('no zlib');
    const counting: Compressor = {
      expand: zlib.expand,
      compress(bytes) {
        times += 1;
        return zlib.compress(bytes);
      },
    };
    const talk = (staple: number): void => expectToTalk(stapled(identity, counting, staple));
    for (let staple = 0; staple < 10; staple += 1) talk(staple);
    expect(times).toBe(10);
    // The last ones are known, the first are not any more.
    talk(9);
    expect(times).toBe(10);
    talk(0);
    expect(times).toBe(11);
  });
});

test('a hello of TLS 1.2 alone does not speak of it, and what a runtime lacks is not offered', () => {
  const offered = (overrides: Both): boolean => {
    let found = false;
    const spy: Bend = (type, message) => {
      if (type === 'client_hello')
        found = decodeHandshake(type, message).extensions.some(({ extensionType }) => extensionType === 27);
      return [message];
    };
    bentHandshake('client', spy, overrides, {});
    return found;
  };
  expect(offered(side([], ['zlib']))).toBe(true);
  expect(offered(side(['zlib'], []))).toBe(false);
  expect(offered(side([], ['zlib'], {}))).toBe(false);
  const older = side([], ['zlib']);
  expect(offered({ ...older, config: { ...older.config, versions: ['tlsv1.2'] } })).toBe(false);
});
