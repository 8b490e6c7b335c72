/** What TLS 1.2 brings back of attacks that TLS 1.3 has no room for, tried on two cores; docs/attacks.md lists them. */

import * as ssl from '@actor-tls/ssl';
import { describe, expect, it } from 'vitest';
import { parseClientOptions } from '../../packages/ssl/src/options/parse.js';
import { clientHelloColumn } from '../../packages/ssl/src/protocol/extensions/table.js';
import { AlertError } from '../../packages/ssl/src/protocol/reasons.js';
import { chooseTls12 } from '../../packages/ssl/src/protocol/tls12/choose.js';
import { olderVersion } from '../../packages/ssl/src/protocol/tls12/older-version.js';
import { schemeByName } from '../../packages/ssl/src/values/registry/schemes.js';
import { onEngine } from '../support/engine.js';
import { growth } from '../support/growth.js';
import { bentHandshake, change, change12, extension, plainRecord, without } from './bend.js';
import { connected, type End, engine, identityOf, serverOptions, suites12, tls12 } from './two-cores.js';

const old = { config: tls12 };
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Sends a handshake message under the present keys, as only the peer itself could. */
function say(from: End, to: End, message: Uint8Array): void {
  const write = from.core.split();
  for (const piece of write.sealHandshake(message)) to.core.receive(new Uint8Array(piece));
  from.core.join(write);
}

/** The hello that a client began with, as one message. */
function firstHello({ sink }: End): Uint8Array {
  const record = Buffer.concat(sink.writes[0] ?? []);
  return new Uint8Array(record.subarray(5, 5 + record.readUInt16BE(3)));
}

describe('renegotiation', () => {
  it('that begins with a first hello inside of a connection fails (CVE-2009-3555)', () => {
    const ends = connected(old, old);
    say(ends.client, ends.server, firstHello(ends.client));
    expect(ends.server.sink.failures).toMatchObject([{ reason: 'wrong_renegotiation_info' }]);
    expect(ends.server.sink.establishedCount).toBe(1);
  });

  it('has not been before the first one: a hello that speaks of an earlier handshake fails', () => {
    const bend = change('client_hello', (hello) => ({
      ...hello,
      extensions: [
        ...without(hello.extensions, 0xff01),
        extension(0xff01, [12, ...Array.from({ length: 12 }, () => 7)]),
      ],
    }));
    const { server } = bentHandshake('client', bend, old, old);
    expect(server.sink.failures).toMatchObject([{ reason: 'wrong_renegotiation_info' }]);
  });
});

describe('the master secret', () => {
  it('is bound to the handshake whenever both sides can (RFC 7627)', () => {
    const ends = connected(old, old);
    const hellos = [ends.client, ends.server].map(({ sink }) => Buffer.concat(sink.writes.flat()));
    // extended_master_secret, without content.
    for (const hello of hellos) expect(hello.includes(Buffer.from([0, 23, 0, 0]))).toBe(true);
  });

  it('is not the same in two handshakes of the same client and server', () => {
    const secretOf = ({ sink }: End): string => {
      const secrets = sink.facts?.secrets;
      if (secrets?.kind !== 'master') throw new Error('no master secret');
      return Buffer.from(secrets.masterSecret.expose()).toString('hex');
    };
    expect(secretOf(connected(old, old).client)).not.toBe(secretOf(connected(old, old).client));
  });
});

describe('the key exchange', () => {
  it('is never one by decryption or without a certificate unless somebody names it', () => {
    const { ciphers } = ssl.unwrap(
      parseClientOptions({ versions: ['tlsv1.2', 'tlsv1.1', 'tlsv1'] }, { engine }),
    );
    const exchanges = new Set(ciphers.map(({ keyExchange }) => keyExchange));
    expect([...exchanges].filter((name) => /^rsa|psk|anon|srp|dss/.test(name) && name !== 'dhe_dss')).toEqual(
      [],
    );
    expect(exchanges).toContain('ecdhe_ecdsa');
  });

  it.each([
    ['TLS_RSA_WITH_AES_128_GCM_SHA256', 0x009c],
    ['TLS_DHE_RSA_WITH_AES_128_GCM_SHA256', 0x009e],
    ['TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA', 0xc013],
    ['TLS_ECDH_anon_WITH_AES_128_CBC_SHA', 0xc018],
    ['TLS_RSA_EXPORT_WITH_RC4_40_MD5', 0x0003],
  ])('a client that offers %s alone is refused', (_name, code) => {
    const bend = change('client_hello', (hello) => ({ ...hello, cipherSuites: [code] }));
    const { server } = bentHandshake('client', bend, old, old);
    expect(server.sink.failures).toMatchObject([{ reason: 'no_suitable_cipher' }]);
  });

  const wanting = [
    ['a certificate', 'rsa', 'rsa_pkcs1_sha256'],
    ['a curve', 'ec', 'ecdsa_secp256r1_sha256'],
  ] as const;
  it.each(onEngine(wanting, ([, kind]) => kind))(
    'is chosen in a time that grows with the hello, which asks for %s that we do not have, again and again',
    (_what, kind, name) => {
      const { config } = serverOptions({ config: tls12 });
      const identities = [identityOf(kind).identity];
      const ecdsa = suites12.find(({ keyExchange }) => keyExchange === 'ecdhe_ecdsa')?.id ?? 0;
      const again = (length: number, value: number): number[] => Array.from({ length }, () => value);
      const version = olderVersion('tlsv1.2');
      const chooser = { version, config, identities, engine, knowsUsers: false };
      const choose = (length: number) => (): void => {
        const extensions = {
          ...clientHelloColumn.none(),
          // x25519, which is no curve of a certificate.
          supportedGroups: again(length, 29),
          signatureAlgorithms: again(length, schemeByName(name).code),
        };
        expect(() => chooseTls12(again(length, ecdsa), extensions, chooser)).toThrow(AlertError);
      };
      // Sixteen times as long: 16 when it is linear, 256 when it is quadratic.
      expect(growth(choose, 100, 16)).toBeLessThan(64);
    },
  );

  it('a ServerKeyExchange that somebody has changed is found out by its signature', () => {
    const bend = change12('server_key_exchange', ({ exchangeKeys }) => {
      const changed = new Uint8Array(exchangeKeys);
      changed[10] = (changed[10] ?? 0) ^ 1;
      return { exchangeKeys: changed };
    });
    const { client } = bentHandshake('server', bend, old, old);
    expect(client.sink.failures).toMatchObject([{ by: 'self', reason: 'bad_signature' }]);
  });
});

describe('records', () => {
  it('never have one explicit nonce twice under one key', () => {
    const { client } = connected({ config: { ...tls12, ciphers: suites12.slice(0, 1) } }, old);
    const before = client.sink.writes.length;
    for (let i = 0; i < 50; i += 1) client.core.send(text('again'));
    const records = client.sink.writes.slice(before).map((pieces) => Buffer.concat(pieces));
    const nonces = records.map((record) => record.subarray(5, 13).toString('hex'));
    expect(records).toHaveLength(50);
    expect(new Set(nonces).size).toBe(50);
  });

  it('in the clear are not heard after change_cipher_spec, alerts neither', () => {
    const ends = connected(old, old);
    ends.client.core.receive(plainRecord(21, [1, 0]));
    expect(ends.client.sink.closedCount).toBe(0);
    expect(ends.client.sink.failures).toMatchObject([{ by: 'self', reason: 'bad_record_mac' }]);
  });
});
