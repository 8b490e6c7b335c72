/** What stands in PEM files besides plain blocks, and what it costs to read many. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { decodePem, PemError } from '../../packages/ssl/src/values/x509/pem.js';
import { growth } from '../support/growth.js';
import { makeRoot } from './make.js';

const directory = mkdtempSync(join(tmpdir(), 'pem-blocks-'));
afterAll(() => rmSync(directory, { recursive: true }));

const { der } = makeRoot('pem blocks');
const certificate = block('CERTIFICATE', der);

function block(label: string, bytes: Uint8Array): string {
  const body = Buffer.from(bytes).toString('base64').replace(/.{64}/g, '$&\n');
  return `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;
}

function trusted(...settings: readonly string[]): string {
  const file = join(directory, 'ca.pem');
  writeFileSync(file, certificate);
  const args = ['x509', '-in', file, '-trustout', ...settings];
  return execFileSync('openssl', args, { encoding: 'utf8' });
}

describe('PEM blocks', () => {
  it('cost what they are long, however many there are', () => {
    const make = (count: number) => {
      const file = block('CERTIFICATE', new Uint8Array(30)).repeat(count);
      return (): void => void decodePem(file);
    };
    // Eight times as many: 8 when each line is looked at once, 64 when each block looks through all.
    expect(growth(make, 3000, 8)).toBeLessThan(32);
  });

  it('a TRUSTED CERTIFICATE that names no purpose is the certificate', () => {
    const text = trusted('-setalias', 'mine');
    expect(text).toContain('BEGIN TRUSTED CERTIFICATE');
    expect(decodePem(text)).toEqual([{ type: 'Certificate', der: new Uint8Array(der), dekInfo: undefined }]);
  });

  it.each([['-addtrust'], ['-addreject']])(
    'a TRUSTED CERTIFICATE with %s is not taken for a plain one',
    (flag) => {
      expect(decodePem(trusted(flag, 'serverAuth')).map(({ type }) => type)).toEqual(['TrustedCertificate']);
    },
  );

  it('END and BEGIN on one line are told as that, with the line', () => {
    const file = certificate.trimEnd() + certificate;
    expect(() => decodePem(file)).toThrow(PemError);
    expect(() => decodePem(file)).toThrow(
      `END and BEGIN on one line, a line break is missing between them (line ${certificate.split('\n').length - 1})`,
    );
  });
});
