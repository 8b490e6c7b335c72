/** What `/core` gives embedders besides the protocol: settings, a judge, an identity from PEM. */
import {
  clientSettings,
  decodePem,
  defaultEngine as engine,
  identityFromPem,
  judge,
  KeyError,
  PemError,
  serverSettings,
} from '@actor-tls/ssl/core';
import { createCa } from '@actor-tls/ssl/testing';
import { describe, expect, it } from 'vitest';
import { parseClientOptions, parseServerOptions } from '../../packages/ssl/src/options/parse.js';

const ca = createCa();
const leaf = ca.issue();
const now = Date.now();

describe('settings', () => {
  it("are connect's and listen's, with the same defaults", () => {
    const cacerts = [ca.cert];
    expect({ ok: clientSettings({ cacerts }, engine) }).toEqual(parseClientOptions({ cacerts }, { engine }));
    expect({ ok: serverSettings({}, engine) }).toEqual(parseServerOptions({}, { engine }));
    expect(clientSettings({ cacerts }, engine).verify).toBe('verify_peer');
  });

  it('refuse a wrong value as connect does', () => {
    expect(() => clientSettings({ cacerts: ca.certPem, depth: -1 }, engine)).toThrow(
      expect.objectContaining({ code: 'TLS_OPTIONS' }),
    );
  });

  it('refuse what needs a file, a clock or a process, instead of leaving it without effect', () => {
    for (const name of [
      'cacertfile',
      'certfile',
      'handshakeDeadline',
      'crlCheck',
      'stapling',
      'active',
      'x',
    ]) {
      const options = { cacerts: ca.certPem, [name]: 1 };
      expect(() => clientSettings(options, engine)).toThrow(`the core has no option ${name}`);
      expect(() => serverSettings(options, engine)).toThrow(`the core has no option ${name}`);
    }
  });

  it('of a side do not take the options of the other', () => {
    const ofServer: object = { cacerts: ca.certPem, failIfNoPeerCert: true };
    const ofClient: object = { alpnAdvertisedProtocols: ['h2'] };
    expect(() => clientSettings(ofServer, engine)).toThrow('failIfNoPeerCert');
    expect(() => serverSettings(ofClient, engine)).toThrow('alpnAdvertisedProtocols');
  });

  it('of a client that verifies its peer name whom it trusts: nobody reads a store here', () => {
    expect(() => clientSettings({}, engine)).toThrow('cacerts');
    for (const cacerts of ['system', 'bundled'])
      expect(() => clientSettings({ cacerts }, engine)).toThrow('cacerts');
    expect(() => serverSettings({ verify: 'verify_peer', cacerts: 'system' }, engine)).toThrow('cacerts');
    expect(clientSettings({ verify: 'verify_none' }, engine).verify).toBe('verify_none');
  });
});

describe('the judge', () => {
  const config = clientSettings({ cacerts: ca.certPem }, engine);
  const judged = { chain: leaf.chain, config, engine, host: 'localhost', now } as const;

  it('accepts a chain that ends in a trusted certificate and bears the name', async () => {
    expect(await judge(judged)).toMatchObject({ ok: { algorithm: 'ec' } });
  });

  it('refuses another name, another CA, an end that is past, and a chain that is none', async () => {
    const year = 365 * 24 * 3600 * 1000;
    const other = clientSettings({ cacerts: createCa().certPem }, engine);
    const alerts = [];
    for (const change of [
      { host: 'elsewhere.example' },
      { config: other },
      { now: now + 100 * year },
      { chain: [Uint8Array.of(1)] },
    ]) {
      const verdict = await judge({ ...judged, ...change });
      alerts.push('reject' in verdict ? verdict.reject.alert : 'accepted');
    }
    expect(alerts).toEqual(['handshake_failure', 'unknown_ca', 'certificate_expired', 'certificate_unknown']);
  });

  it("asks the config's functions: verifyFun, which may answer later, partialChain, matchFun", async () => {
    const config = clientSettings(
      {
        cacerts: ca.certPem,
        verifyFun: async (_certificate, event, state) => {
          if (typeof event === 'string') return { valid: state };
          return 'bad_cert' in event ? { fail: event.bad_cert } : { unknown: state };
        },
        customizeHostnameCheck: { matchFun: () => true },
      },
      engine,
    );
    const verdict = judge({ ...judged, config, host: 'elsewhere.example' });
    expect(verdict).toBeInstanceOf(Promise);
    expect(await verdict).toHaveProperty('ok');

    const trusting = createCa();
    const sub = clientSettings(
      { cacerts: trusting.certPem, partialChain: (chain) => ({ trusted_ca: chain[0] ?? leaf.cert }) },
      engine,
    );
    expect(await judge({ ...judged, chain: [leaf.cert, ca.cert], config: sub })).toHaveProperty('ok');
  });

  it('asks no less of signatures than the options say', async () => {
    const config = clientSettings({ cacerts: ca.certPem, signatureAlgsCert: ['eddsa_ed25519'] }, engine);
    expect(await judge({ ...judged, config })).toMatchObject({
      reject: { explanation: { reason: 'invalid_signature' } },
    });
  });

  it('on a server judges clients, by purpose and without a name', async () => {
    const config = serverSettings({ verify: 'verify_peer', cacerts: ca.certPem }, engine);
    const client = ca.issue({ subject: 'a client' });
    expect(await judge({ ...judged, chain: client.chain, config, host: undefined })).toHaveProperty('ok');
  });
});

describe('an identity from PEM', () => {
  it('is the certificates in order and the key', () => {
    const identity = identityFromPem(leaf.keyPem + leaf.chainPem, engine);
    expect(identity.chain.map(String)).toEqual(leaf.chain.map(String));
    expect(identity.schemes[0]).toBe('ecdsa_secp256r1_sha256');
  });

  it('needs a key that is plain, readable and that of the certificate', () => {
    const troubleOf = (pem: string): unknown => {
      try {
        return identityFromPem(pem, engine);
      } catch (error) {
        return error instanceof KeyError ? error.kind : error instanceof PemError ? 'pem' : error;
      }
    };
    expect(troubleOf(leaf.chainPem)).toBe('no_key');
    expect(troubleOf(leaf.keyPem)).toBe('bad_certificate');
    expect(troubleOf(leaf.chainPem + ca.issue().keyPem)).toBe('mismatch');
    expect(troubleOf(`${leaf.chainPem}-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n`)).toBe(
      'malformed',
    );
    expect(troubleOf('-----BEGIN CERTIFICATE-----\n')).toBe('pem');
  });

  it('is read by the same reader that is exported', () => {
    expect(decodePem(leaf.chainPem + leaf.keyPem).map(({ type }) => type)).toEqual([
      ...leaf.chain.map(() => 'Certificate'),
      'PrivateKeyInfo',
    ]);
  });
});
