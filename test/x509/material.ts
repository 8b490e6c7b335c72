/** Every certificate, CRL and OCSP response of the published suites, each once, with the name it has there. */
import { decodePem } from '../../packages/ssl/src/values/x509/pem.js';
import { readSharedJson } from '../support/shared.js';
import type { LimboCase } from './limbo.js';

export interface Material {
  readonly name: string;
  readonly der: Uint8Array;
}

export const suites = {
  limbo: 'x509/limbo-dev.json.gz',
  bettertls: 'x509/bettertls-dev.json.gz',
  pkits: 'x509/pkits-dev.json.gz',
  files: 'x509/x509-files-dev.json.gz',
} as const;

export type MaterialKind = 'certificate' | 'crl' | 'ocsp-response';

const known = new Map<MaterialKind, readonly Material[]>();

/** Of BetterTLS, whose 4769 cases differ in names only, the certificates of every 400th case. */
export function allOf(kind: MaterialKind): readonly Material[] {
  const before = known.get(kind);
  if (before !== undefined) return before;
  const found = new Map<string, Material>();
  const everywhere = [
    ...inCases(suites.limbo, 1, kind),
    ...inCases(suites.bettertls, 400, kind),
    ...inPkits(kind),
    ...inFiles(kind),
  ];
  for (const material of everywhere) {
    const content = Buffer.from(material.der).toString('latin1');
    if (!found.has(content)) found.set(content, material);
  }
  const materials = [...found.values()];
  known.set(kind, materials);
  return materials;
}

function* inCases(suite: string, step: number, kind: MaterialKind): Generator<Material> {
  const { testcases } = readSharedJson(suite) as { readonly testcases: readonly LimboCase[] };
  for (let i = 0; i < testcases.length; i += step) {
    const test = testcases[i];
    if (test === undefined || kind === 'ocsp-response') return;
    const pems =
      kind === 'crl'
        ? test.crls
        : [test.peer_certificate, ...test.untrusted_intermediates, ...test.trusted_certs];
    for (const [at, pem] of pems.entries())
      for (const { der } of decodePem(pem)) yield { name: `${test.id} #${at}`, der };
  }
}

function* inPkits(kind: MaterialKind): Generator<Material> {
  const { certs, crls } = readSharedJson(suites.pkits) as {
    readonly certs: Readonly<Record<string, string>>;
    readonly crls: Readonly<Record<string, string>>;
  };
  const named = kind === 'certificate' ? certs : kind === 'crl' ? crls : {};
  for (const [name, base64] of Object.entries(named))
    yield { name: `pkits ${name}`, der: Buffer.from(base64, 'base64') };
}

function* inFiles(kind: MaterialKind): Generator<Material> {
  const { files } = readSharedJson(suites.files) as {
    readonly files: Readonly<
      Record<string, { readonly kind: string; readonly form: string; readonly data: string }>
    >;
  };
  for (const [name, file] of Object.entries(files)) {
    if (file.kind !== kind) continue;
    const data = Buffer.from(file.data, 'base64');
    yield { name, der: file.form === 'PEM' ? (decodePem(data)[0]?.der ?? data) : data };
  }
}
