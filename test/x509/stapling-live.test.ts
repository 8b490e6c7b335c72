/** OCSP stapling on connections: what a client demands with `stapling`, what a server gives with `ocspResponse`. */
import { createPrivateKey, sign } from 'node:crypto';
import { createNode, type Logger, type Node } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { decodeAll, Tag } from '../../packages/ssl/src/values/x509/der.js';
import {
  encodeElement,
  encodeOid,
  encodeSmallInteger,
} from '../../packages/ssl/src/values/x509/der-writer.js';
import { Oid } from '../../packages/ssl/src/values/x509/oids.js';
import { brief, handshake, type Outcome, serve, shake } from './live.js';
import {
  type Authority,
  basicConstraints,
  dnsNames,
  type KeyPair,
  makeCertificate,
  makeIntermediate,
  makeKey,
  makeLeaf,
  makeOcsp,
  makeRoot,
  noon,
  type OcspOrder,
} from './make.js';

const host = 'www.example.org';
const hour = 3_600_000;

let node: Node;
let now = noon;
const warnings: unknown[] = [];
const logger: Logger = {
  error: () => {},
  warn: (fields, text) => void warnings.push([text, fields]),
  info: () => {},
  debug: () => {},
};
let root: Authority;
let middle: Authority;
let key: KeyPair;
let leaf: Uint8Array;
beforeAll(async () => {
  node = createNode({ logger });
  expect(await ssl.start({ node, wallClock: () => now })).toEqual({ ok: true });
  root = makeRoot('Root');
  middle = makeIntermediate('Middle', root);
  key = makeKey();
  leaf = makeLeaf(host, middle, { key, serial: 77 });
});
afterAll(async () => {
  await ssl.stop(node);
  node.stop();
});
beforeEach(() => {
  now = noon;
  warnings.length = 0;
});

const ocsp = (order: Partial<OcspOrder> = {}): Uint8Array =>
  makeOcsp({ certificate: leaf, issuer: middle, ...order });

function server(ocspResponse?: ssl.OcspResponseSource, own = leaf): ssl.TlsServerOptions {
  return { cert: [own, middle.der], key: { PrivateKeyInfo: key.pkcs8 }, ocspResponse };
}

function client(stapling: ssl.StaplingWish, more: ssl.TlsClientOptions = {}): ssl.TlsClientOptions {
  return { cacerts: [root.der], serverNameIndication: host, stapling, ...more };
}

async function judged(
  stapling: ssl.StaplingWish,
  response?: ssl.OcspResponseSource,
  more?: ssl.TlsClientOptions,
): Promise<Outcome> {
  return (await handshake(node, client(stapling, more), server(response))).client;
}
const textOf = (outcome: Outcome): string => (outcome !== 'ok' && 'text' in outcome ? outcome.text : '');
const noNonce = { ocspNonce: false } as const;

describe('a client with stapling', () => {
  it('takes a good response, of the issuer or of whom it delegates to', async () => {
    expect(await judged(noNonce, ocsp())).toBe('ok');
    const responderKey = makeKey();
    const der = makeCertificate({
      subject: 'Responder',
      issuer: 'Middle',
      key: responderKey,
      signer: middle.key,
      extensions: [
        { oid: Oid.extKeyUsage, value: encodeElement(0x30, encodeOid(Oid.ocspSigning)) },
        basicConstraints(false),
      ],
    });
    const responder = { name: 'Responder', key: responderKey, der };
    expect(await judged(noNonce, ocsp({ responder, certificates: [der] }))).toBe('ok');
  });

  it('takes a response of a responder that it trusts by itself', async () => {
    const responder = makeRoot('House responder');
    const response = ocsp({ responder });
    expect(brief(await judged(noNonce, response))).toBe('bad_certificate_status_response');
    expect(await judged({ ...noNonce, ocspResponderCerts: [responder.der] }, response)).toBe('ok');
  });

  it('refuses a server that staples nothing', async () => {
    const outcome = await judged(noNonce);
    expect(brief(outcome)).toBe('bad_certificate_status_response');
    expect(textOf(outcome)).toContain('not_stapled');
  });

  it('does not ask unless told to, and then is not told', async () => {
    let calls = 0;
    const count = (): Uint8Array => {
      calls += 1;
      return ocsp();
    };
    expect(await judged('no_staple', count)).toBe('ok');
    expect(calls).toBe(0);
  });

  it('refuses a revoked certificate, with the reason', async () => {
    const outcome = await judged(noNonce, ocsp({ status: 1 }));
    expect(brief(outcome)).toBe('certificate_revoked');
    expect(textOf(outcome)).toContain('keyCompromise');
  });

  it.each([
    ['unknown status', (): Uint8Array => ocsp({ status: 'unknown' })],
    ['a stranger as responder', (): Uint8Array => ocsp({ responder: makeRoot('Stranger') })],
    ["a stranger in the issuer's name", (): Uint8Array => ocsp({ responder: makeRoot('Middle') })],
    [
      'a response not valid yet',
      (): Uint8Array => ocsp({ thisUpdate: noon + hour, nextUpdate: noon + 2 * hour }),
    ],
    ['an issuer of another name', (): Uint8Array => ocsp({ issuer: root, responder: middle })],
  ])('refuses %s', async (_what, make) => {
    expect(brief(await judged(noNonce, make()))).toBe('bad_certificate_status_response');
  });

  it('wants its nonce back when it sends one, which a function of the server can do', async () => {
    expect(brief(await judged('staple', ocsp()))).toBe('bad_certificate_status_response');
    const seen: number[] = [];
    const fresh = ({ requestExtensions }: ssl.OcspStapleRequest): Uint8Array => {
      const nonce = nonceOf(requestExtensions);
      seen.push(nonce.length);
      return ocsp({ nonce });
    };
    expect(await judged('staple', fresh)).toBe('ok');
    expect(await judged('staple', fresh)).toBe('ok');
    expect(seen).toEqual([32, 32]);
  });

  it('may let verify_fun accept what is unclear, in OTP’s terms', async () => {
    const heard: unknown[] = [];
    const verifyFun: ssl.TlsClientOptions['verifyFun'] = (_certificate, event, state) => {
      if (typeof event === 'object' && 'bad_cert' in event) heard.push(event.bad_cert);
      return typeof event === 'object' && 'extension' in event ? { unknown: state } : { valid: state };
    };
    expect(await judged(noNonce, undefined, { verifyFun })).toBe('ok');
    expect(heard).toEqual([{ revocation_status_undetermined: 'not_stapled' }]);
  });

  it('holds a certificate that must be stapled to its word', async () => {
    const feature = encodeElement(0x30, encodeSmallInteger(5));
    const must = makeLeaf(host, middle, {
      key,
      serial: 78,
      extensions: [dnsNames(host), { oid: Oid.tlsFeature, value: feature }],
    });
    const bare = await handshake(node, client(noNonce), server(undefined, must));
    expect(brief(bare.client)).toBe('bad_certificate_status_response');
    expect(JSON.stringify(warnings)).toContain('is always stapled, and there is no ocspResponse');
    const stapled = await handshake(node, client(noNonce), server(ocsp({ certificate: must }), must));
    expect(stapled.client).toBe('ok');
  });

  it('asks lists for the CAs above when crl_check says so', async () => {
    const outcome = await judged(noNonce, ocsp(), { crlCheck: true });
    expect(brief(outcome)).toBe('bad_certificate');
    expect(textOf(outcome)).toContain('no_relevant_crls');
  });
});

describe('a server with ocspResponse', () => {
  it('staples nothing stale, malformed or about another certificate, and says so in the log', async () => {
    for (const response of [
      ocsp({ thisUpdate: noon - 9 * hour, nextUpdate: noon - hour }),
      makeOcsp({ certificate: makeLeaf('other', middle, { serial: 5 }), issuer: middle }),
      Uint8Array.of(0x30, 0x03, 0x0a, 0x01, 0x06),
    ]) {
      const outcome = await judged(noNonce, response);
      expect(textOf(outcome)).toContain('not_stapled');
    }
    expect(warnings.map((warning) => Array.isArray(warning) && warning[0])).toEqual(
      Array.from({ length: 3 }, () => 'no OCSP response to staple'),
    );
  });

  it('asks its function once for many, again at half the life, and gives out the old one meanwhile', async () => {
    const thisUpdate = noon - hour;
    let calls = 0;
    let answer = (): Promise<Uint8Array> => Promise.resolve(ocsp({ thisUpdate, nextUpdate: noon + hour }));
    const source = (): Promise<Uint8Array> => {
      calls += 1;
      return answer();
    };
    const serving = await serve(node, server(source), 8);
    const go = (): Promise<Outcome> => shake(node, serving.port, client(noNonce));
    const first = await Promise.all(Array.from({ length: 8 }, go));
    expect(new Set(first.map(brief))).toEqual(new Set(['ok']));
    expect(calls).toBe(1);
    now = noon + 0.6 * hour;
    let give = (_der: Uint8Array): void => {};
    answer = () => new Promise((resolve) => (give = resolve));
    expect(await go()).toBe('ok');
    expect(await go()).toBe('ok');
    expect(calls).toBe(2);
    give(ocsp({ thisUpdate: now, nextUpdate: now + hour, status: 1 }));
    expect(brief(await go())).toBe('certificate_revoked');
    await serving.stop();
  });

  it('goes on without when its function throws, rejects or gives no bytes', async () => {
    const sources: readonly ssl.OcspResponseSource[] = [
      () => {
        throw new Error('down');
      },
      () => Promise.reject(new Error('down')),
      () => undefined,
      () => Reflect.apply(JSON.parse, undefined, ['"text"']),
    ];
    for (const source of sources) {
      expect(textOf(await judged(noNonce, source))).toContain('not_stapled');
      expect(await judged('no_staple', source)).toBe('ok');
    }
  });

  it('tells its function what the client asks about', async () => {
    const requests: ssl.OcspStapleRequest[] = [];
    await judged(noNonce, (request) => void requests.push(request));
    expect(requests).toEqual([
      { certificate: leaf, issuer: middle.der, serverName: host, requestExtensions: new Uint8Array() },
    ]);
  });

  it('staples after a retry, with a key that lives elsewhere, and beside client authentication', async () => {
    const { pkcs8, spki } = key;
    const signer = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
    const elsewhere: ssl.RemoteKey = {
      algorithm: 'ec',
      spki,
      sign: async (_scheme, data) => sign('sha256', data, signer),
    };
    const strict: ssl.TlsServerOptions = {
      ...server(async () => ocsp()),
      key: elsewhere,
      supportedGroups: ['secp256r1'],
      verify: 'verify_peer',
      failIfNoPeerCert: true,
      cacerts: [root.der],
    };
    const own = { cert: [leaf, middle.der], key: { PrivateKeyInfo: pkcs8 } };
    const both = await handshake(
      node,
      client(noNonce, { ...own, supportedGroups: ['x25519', 'secp256r1'] }),
      strict,
    );
    expect(both).toEqual({ client: 'ok', server: 'ok' });
  });

  it('staples to the pair that is used, of several', async () => {
    const certsKeys = [server(ocsp())];
    const { client: outcome } = await handshake(node, client(noNonce), { certsKeys });
    expect(outcome).toBe('ok');
  });
});

function nonceOf(extensions: Uint8Array): Uint8Array {
  return decodeAll(extensions, (reader) => {
    const extension = reader.open(Tag.sequence).open(Tag.sequence);
    expect(extension.oid()).toBe(Oid.ocspNonce);
    return decodeAll(extension.content(Tag.octetString), (inner) => inner.content(Tag.octetString));
  });
}
