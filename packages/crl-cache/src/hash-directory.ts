/**
 * CRLs in a directory as `openssl rehash` leaves it (OTP's `ssl_crl_hash_dir`): `xxxxxxxx.rN`, eight hex digits of
 * OpenSSL's hash of the issuer's name, N from 0 until a gap. The hash needs a canonical form of the name and SHA-1;
 * it is passed in.
 */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CrlAnswer, CrlCacheApi, DistributionPoint } from './crl-cache-api.js';
import { crlsInFile } from './crl-file.js';

/** The `db` beside this implementation: OTP's `[{dir, D}]`. */
export interface HashDirectory {
  readonly dir: string;
}

/** What the directory must know and cannot compute. */
export interface HashDirectoryReader {
  /** OpenSSL's `X509_NAME_hash` of a DER Name as 8 lower-case hex digits. */
  nameHash(name: Uint8Array): string;
  /** Whether the bytes are a CRL: unreadable ones are reported and skipped. */
  isCrl(der: Uint8Array): boolean;
  /** Whether the CRL's scope covers the point (RFC 5280 §6.3.3 b 2), asked for CRLs of a named CRL issuer. */
  coversPoint(der: Uint8Array, point: DistributionPoint): boolean;
}

/** Larger files and longer rows are not read. */
const maxFileBytes = 64 * 1024 * 1024;
const maxFilesPerName = 1000;

export function hashDirectory(reader: HashDirectoryReader): CrlCacheApi<HashDirectory> {
  const select = (issuers: readonly Uint8Array[], db: HashDirectory): Promise<CrlAnswer> =>
    collect(issuers, db, reader);
  return {
    async lookup(point, issuer, db) {
      if (point.crlIssuers.length === 0) return select([issuer], db);
      const answer = await select(point.crlIssuers, db);
      const covering = (crls: readonly Uint8Array[]): readonly Uint8Array[] =>
        crls.filter((crl) => reader.coversPoint(crl, point));
      return 'crls' in answer ? { ...answer, crls: covering(answer.crls) } : covering(answer);
    },
    select,
    // The directory's keeper replaces files; what it holds now is what lookup gave.
    freshCrl: (_point, crl) => [crl],
  };
}

async function collect(
  issuers: readonly Uint8Array[],
  { dir }: HashDirectory,
  reader: HashDirectoryReader,
): Promise<CrlAnswer> {
  if (!(await isDirectory(dir))) {
    const reason = [{ cannot_find_crl: 'not_a_directory' }, { dir }];
    return { logger: { level: 'error', report: { description: 'CRL retrieval', reason } }, crls: [] };
  }
  const crls: Uint8Array[] = [];
  const unreadable: unknown[] = [];
  for (const issuer of issuers) {
    const hash = reader.nameHash(issuer);
    for (let n = 0; n < maxFilesPerName; n += 1) {
      const filename = join(dir, `${hash}.r${n}`);
      const bytes = await contents(filename);
      if (bytes === 'enoent') break;
      const found = typeof bytes === 'string' ? [] : crlsInFile(bytes).filter((der) => reader.isCrl(der));
      if (found.length > 0) crls.push(...found);
      else
        unreadable.push([{ crl_parse_error: typeof bytes === 'string' ? bytes : 'badmatch' }, { filename }]);
    }
  }
  if (unreadable.length === 0) return crls;
  const report = { description: 'CRL file traversal', reason: unreadable };
  return { logger: { level: 'notice', report }, crls };
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

/** The bytes, or a posix code in Erlang's lower case. */
async function contents(path: string): Promise<Uint8Array | string> {
  try {
    if ((await stat(path)).size > maxFileBytes) return 'efbig';
    return bytesOf(await readFile(path));
  } catch (error) {
    return posixCode(error);
  }
}

/** The same memory as a plain array: comparing and cloning treat a Buffer as something else. */
export function bytesOf(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

/** `enoent`, `eacces`, … of an error of node:fs; `einval` when it has none. */
export function posixCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code.toLowerCase()
    : 'einval';
}
