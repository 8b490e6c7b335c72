/** What random chains and names beside a real OTP brought to light, small. */
import { expect, it } from 'vitest';
import { defaultEngine } from '../../packages/ssl/src/values/crypto/default-engine.js';
import { Certificate } from '../../packages/ssl/src/values/x509/certificate.js';
import { encodeElement, encodeOid } from '../../packages/ssl/src/values/x509/der-writer.js';
import { verifyHostname } from '../../packages/ssl/src/values/x509/hostname.js';
import { Oid } from '../../packages/ssl/src/values/x509/oids.js';
import { validatePath } from '../../packages/ssl/src/values/x509/path.js';
import {
  basicConstraints,
  type KeyPair,
  type MadeExtension,
  makeCertificate,
  makeKey,
  noon,
  text,
} from './make.js';

const key = makeKey();

function name(country: string, commonName: string): Uint8Array {
  const part = (type: string, tag: number, value: string): Uint8Array =>
    encodeElement(0x31, encodeElement(0x30, encodeOid(type), text(tag, value)));
  return encodeElement(0x30, part('2.5.4.6', 0x13, country), part('2.5.4.3', 0x0c, commonName));
}

function make(
  subject: Uint8Array,
  issuer: Uint8Array,
  extensions: readonly MadeExtension[],
  own: KeyPair = key,
): Certificate {
  return new Certificate(makeCertificate({ subject, issuer, key: own, signer: key, extensions }));
}

/** Reasons of the bad_cert events when everything is accepted. */
function reasons(anchor: Certificate, chain: readonly Certificate[], maxPathLength?: number): unknown[] {
  const options = {
    engine: defaultEngine,
    now: noon,
    ...(maxPathLength === undefined ? {} : { maxPathLength }),
  };
  const steps = validatePath(anchor, chain, options);
  const found: unknown[] = [];
  for (let step = steps.next(); !step.done; step = steps.next('valid')) {
    if (step.value.type === 'bad_cert') found.push(step.value.reason);
  }
  return found;
}

const permittedDns = (base: string): MadeExtension => ({
  oid: Oid.nameConstraints,
  critical: true,
  value: encodeElement(0x30, encodeElement(0xa0, encodeElement(0x30, text(0x82, base)))),
});

it('names of countries are compared without case', () => {
  const root = make(name('SE', 'Root'), name('SE', 'Root'), [basicConstraints(true)]);
  const peer = make(name('SE', 'peer'), name('se', 'ROOT'), []);
  expect(reasons(root, [peer])).toEqual([]);
});

it('an issuer that is no CA counts for the path length too', () => {
  const root = make(name('SE', 'Root'), name('SE', 'Root'), [basicConstraints(true)]);
  const middle = make(name('SE', 'Middle'), name('SE', 'Root'), [basicConstraints(false)]);
  const peer = make(name('SE', 'peer'), name('SE', 'Middle'), []);
  expect(reasons(root, [middle, peer], 0)).toEqual(['missing_basic_constraint', 'max_path_length_reached']);
});

it('the zone of a link-local address is no part of the address looked for', () => {
  const address = encodeElement(0x87, Uint8Array.from([0xfe, 0x80, ...Array<number>(13).fill(0), 1]));
  const peer = make(name('SE', 'peer'), name('SE', 'Root'), [
    { oid: Oid.subjectAltName, value: encodeElement(0x30, address) },
  ]);
  expect(verifyHostname(peer, [{ ip: 'fe80::1%eth0' }])).toBe(true);
  expect(verifyHostname(peer, [{ ip: 'fe80::1%' }])).toBe(false);
  expect(verifyHostname(peer, [{ ip: 'fe80::2%eth0' }])).toBe(false);
});

it('a host name with octets above 127 is read, and is nobody', () => {
  const utf8 = text(0x82, 'bücher.example');
  const peer = make(name('SE', 'peer'), name('SE', 'Root'), [
    { oid: Oid.subjectAltName, value: encodeElement(0x30, utf8, text(0x82, 'www.example.org')) },
  ]);
  expect(verifyHostname(peer, [{ dns_id: 'www.example.org' }])).toBe(true);
  expect(verifyHostname(peer, [{ dns_id: 'bücher.example' }])).toBe(false);
  expect(verifyHostname(peer, [{ dns_id: 'xn--bcher-kva.example' }])).toBe(false);
  const root = make(name('SE', 'Root'), name('SE', 'Root'), [
    basicConstraints(true),
    permittedDns('example'),
  ]);
  expect(reasons(make(name('SE', 'Root'), name('SE', 'Root'), []), [root, peer])).toEqual([
    'name_not_permitted',
  ]);
});
