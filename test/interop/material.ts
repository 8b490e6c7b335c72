/** Throw-away certificates on disk, since peers read files. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCa, type IssuedCertificate, type KeyKind } from '@actor-tls/ssl/testing';
import type { PeerCredentials } from './peer.js';

export interface Material {
  /** Goes with `remove`: for files of the test's own. */
  readonly folder: string;
  readonly cafile: string;
  /** One server identity for `localhost` and one client identity for each kind of key. */
  readonly servers: Readonly<Record<KeyName, PeerCredentials>>;
  readonly client: PeerCredentials;
  /** For `other.example`. */
  readonly other: PeerCredentials;
  remove(): void;
}
export const keyNames = ['ec256', 'ec384', 'ec521', 'rsa', 'rsa_pss', 'ed25519', 'ed448'] as const;
export type KeyName = (typeof keyNames)[number];

const kinds: Record<KeyName, KeyKind> = {
  ec256: 'ec',
  ec384: { ec: 'secp384r1' },
  ec521: { ec: 'secp521r1' },
  rsa: 'rsa',
  rsa_pss: 'rsa_pss',
  ed25519: 'ed25519',
  ed448: 'ed448',
};

export function createMaterial(): Material {
  const folder = mkdtempSync(join(tmpdir(), 'actor-tls-'));
  const ca = createCa({ subject: 'Interop CA' });
  const write = (name: string, issued: IssuedCertificate): PeerCredentials => {
    const files = { certfile: join(folder, `${name}.crt`), keyfile: join(folder, `${name}.key`) };
    writeFileSync(files.certfile, issued.certPem);
    writeFileSync(files.keyfile, issued.keyPem);
    return files;
  };
  const server = (key: KeyName): PeerCredentials =>
    write(key, ca.issue({ subject: 'localhost', names: ['localhost'], key: kinds[key] }));
  const cafile = join(folder, 'ca.crt');
  writeFileSync(cafile, ca.certPem);
  return {
    folder,
    cafile,
    servers: {
      ec256: server('ec256'),
      ec384: server('ec384'),
      ec521: server('ec521'),
      rsa: server('rsa'),
      rsa_pss: server('rsa_pss'),
      ed25519: server('ed25519'),
      ed448: server('ed448'),
    },
    client: write('client', ca.issue({ subject: 'a client', names: ['client.example'] })),
    other: write('other', ca.issue({ subject: 'other.example', names: ['other.example'] })),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

export const keyAlgorithmOf = (key: KeyName): 'ec' | 'rsa' | 'rsa_pss' | 'ed25519' | 'ed448' =>
  key === 'ec256' || key === 'ec384' || key === 'ec521' ? 'ec' : key;
