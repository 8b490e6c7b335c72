/**
 * The PEM cache process (contract §12; OTP's `ssl_pem_cache`): file name → decoded entries, filled on first use by
 * certificate, key and CA files.
 *
 * Every `ssl_pem_cache_clean` the files are looked at. One that has changed is read, checked and swapped in, all
 * changed files in one step, so that a certificate and its key change together; a bad one is refused, logged, and the
 * old one stays. A file that is gone is dropped at the second look: a rotation that removes and writes has a gap.
 *
 * The process may die at any time: clients ask once more and then read the file themselves, and what they still hold
 * says by its `state` that it must be asked for anew.
 */
import { readFile, stat } from 'node:fs/promises';
import {
  type Asker,
  type From,
  type GenServer,
  type Node,
  type RequestOf,
  requests,
  type Self,
  type ServerRef,
  type StartOptions,
  type StartResult,
  startGenServer,
} from '@actor-tls/runtime';
import { BoundedTable } from '@actor-tls/session-store';
import { Certificate } from '../../values/x509/certificate.js';
import { kindOfBytes } from '../../values/x509/file-kind.js';
import { decodePem, type PemEntry } from '../../values/x509/pem.js';
import { isPkcs12 } from '../../values/x509/pkcs12.js';

/** A file as it was when it was read. */
export interface PemFile {
  readonly file: string;
  readonly entries: readonly PemEntry[];
  /** `replaced`: something newer may be had, ask again. Until then the object is the same for everybody. */
  readonly state: 'current' | 'replaced';
}

/** A posix code in Erlang's spelling (`enoent`, `eacces`, `eisdir`), or what is wrong with the content. */
export type PemFileError = string | { readonly bad_pem: string };
export type PemResult = { readonly ok: PemFile } | { readonly error: PemFileError };

export interface PemCacheOptions {
  /** `ssl_pem_cache_clean`, ms */
  readonly clean: number;
  /** `bypass_pem_cache` */
  readonly mode: 'keep' | 'bypass';
  /** Default 1000. */
  readonly maxFiles?: number;
  readonly files?: FileAccess;
  /** Called whenever a file that somebody may hold is no longer current: replaced, dropped, or the cache has ended. */
  readonly onChange?: () => void;
}

/** The disk, as far as the cache needs it; both reject with errors as node:fs does. */
export interface FileAccess {
  stamp(file: string): Promise<FileStamp>;
  read(file: string): Promise<Uint8Array>;
}

/** Two equal stamps: the file has not changed in between. */
export interface FileStamp {
  readonly mtimeMs: number;
  readonly size: number;
  readonly ino: number;
}

export function startPemCache(
  parent: Self<never> | Self | Node,
  options: PemCacheOptions,
  start?: StartOptions,
): Promise<StartResult> {
  return startGenServer(parent, pemCache, options, start);
}

/** The entries of a file; at least one. From the cache, or from the disk if there is no cache. */
export async function readPemFile(
  asker: Asker,
  cache: ServerRef,
  file: string,
  files: FileAccess = disk,
): Promise<PemResult> {
  const known = await questions.askOr(asker, cache, { type: 'read_pem', file }, () => undefined);
  if (known !== undefined) return known;
  const read = await load(file, files);
  // Nobody would say when it changes: it is to be asked for anew each time.
  return 'error' in read ? read : { ok: { file, entries: read.entries, state: 'replaced' } };
}

/** `ssl:clear_pem_cache/0`: everything is read anew at its next use. */
export async function clearPemCache(asker: Asker, cache: ServerRef): Promise<void> {
  // A dead cache is a clear one.
  await questions.askOr(asker, cache, { type: 'clear_pem_cache' }, () => 'ok');
}

/** Looks at the files now instead of at the next `ssl_pem_cache_clean`; answers when changes are in force. */
export async function sweepPemCache(asker: Asker, cache: ServerRef): Promise<void> {
  await questions.askOr(asker, cache, { type: 'sweep_pem_cache' }, () => 'ok');
}

export interface PemCacheInfo {
  readonly files: number;
  readonly hits: number;
  /** Files read, checks by mtime not counted. */
  readonly reads: number;
  /** Changed files that were swapped in. */
  readonly swapped: number;
  /** Changed files that were bad, so that the old one stayed. */
  readonly refused: number;
}

/** Zeros when the cache is dead. */
export function pemCacheInfo(asker: Asker, cache: ServerRef): Promise<PemCacheInfo> {
  const none = { files: 0, hits: 0, reads: 0, swapped: 0, refused: 0 };
  return questions.askOr(asker, cache, { type: 'pem_cache_info' }, () => none);
}

interface PemCacheRequests {
  read_pem(fields: { readonly file: string }): PemResult;
  clear_pem_cache(): 'ok';
  sweep_pem_cache(): 'ok';
  pem_cache_info(): PemCacheInfo;
}

/** What the cache tells itself. */
interface PemCacheMessages {
  pem_was_read(fields: { readonly file: string; readonly read: ReadResult }): void;
  pem_was_swept(fields: { readonly changes: readonly Change[] }): void;
  pem_clean(): void;
}

type Info = RequestOf<PemCacheMessages>;

const questions = requests<PemCacheRequests>();
const messages = requests<PemCacheMessages>();

/** A file freshly read. */
type ReadResult =
  | { readonly entries: readonly PemEntry[]; readonly stamp: FileStamp }
  | { readonly error: PemFileError };

/** What a sweep found of a file that it knew as `before`. */
interface Change {
  readonly file: string;
  readonly before: CachedFile;
  readonly found: ReadResult | 'missing' | 'there again';
}

const pemCache: GenServer<PemCache, PemCacheOptions> = {
  label: 'ssl_pem_cache',
  init: (self, options) => ({ ok: new PemCache(options, self) }),
  handleCall: questions.handleCall<PemCache>({
    read_pem: ({ file }, from, cache) => cache.read(file, from),
    clear_pem_cache(_request, from, cache) {
      cache.clear();
      from.reply('ok');
    },
    sweep_pem_cache: (_request, from, cache) => cache.sweep(from),
    pem_cache_info: (_request, from, cache) => from.reply(cache.info()),
  }),
  handleInfo: messages.handleInfo<PemCache>({
    pem_was_read: ({ file, read }, cache) => cache.wasRead(file, read),
    pem_was_swept: ({ changes }, cache) => cache.wasSwept(changes),
    pem_clean(_message, cache) {
      cache.sweep(undefined);
      cache.armClean();
    },
  }),
};

/** The object that clients hold; only the cache changes its state. */
class CachedFile implements PemFile {
  readonly file: string;
  readonly entries: readonly PemEntry[];
  readonly stamp: FileStamp;
  state: 'current' | 'replaced';
  /** Whether the last sweep missed it. */
  seen: 'yes' | 'missing';

  constructor(file: string, entries: readonly PemEntry[], stamp: FileStamp) {
    this.file = file;
    this.entries = entries;
    this.stamp = stamp;
    this.state = 'current';
    this.seen = 'yes';
  }
}

class PemCache {
  readonly #options: PemCacheOptions;
  readonly #self: Self;
  readonly #files: FileAccess;
  readonly #kept: BoundedTable<string, CachedFile>;
  /** Who waits for a file that is being read. */
  readonly #reading: Map<string, From<PemResult>[]> = new Map();
  /** Who waits for the sweep under way; undefined when there is none. */
  #sweeping: From<'ok'>[] | undefined = undefined;
  #hits = 0;
  #reads = 0;
  #swapped = 0;
  #refused = 0;

  constructor(options: PemCacheOptions, self: Self) {
    this.#options = options;
    this.#self = self;
    this.#files = options.files ?? disk;
    this.#kept = new BoundedTable(options.maxFiles ?? 1000);
    // However the process ends, nobody may take what he holds for current any longer.
    self.own(this.#kept, () => this.#replaceAll());
    this.armClean();
  }

  armClean(): void {
    this.#self.sendAfter<Info>(this.#options.clean, this.#self.pid, { type: 'pem_clean' });
  }

  read(file: string, from: From<PemResult>): void {
    const kept = this.#kept.get(file);
    if (kept !== undefined) {
      this.#hits += 1;
      from.reply({ ok: kept });
      return;
    }
    const waiting = this.#reading.get(file);
    if (waiting !== undefined) {
      waiting.push(from);
      return;
    }
    this.#reading.set(file, [from]);
    this.#reads += 1;
    this.#later(load(file, this.#files), (read) => ({ type: 'pem_was_read', file, read }));
  }

  wasRead(file: string, read: ReadResult): void {
    const answer = this.#answer(file, read);
    for (const from of this.#reading.get(file) ?? []) from.reply(answer);
    this.#reading.delete(file);
  }

  clear(): void {
    this.#replaceAll();
    this.#kept.clear();
  }

  /** One at a time: whoever asks meanwhile gets the answer of the one under way. */
  sweep(from: From<'ok'> | undefined): void {
    if (this.#sweeping !== undefined) {
      if (from !== undefined) this.#sweeping.push(from);
      return;
    }
    this.#sweeping = from === undefined ? [] : [from];
    const all = [...this.#kept.entries()].map(([, kept]) => kept);
    this.#later(changesOf(all, this.#files), (changes) => ({ type: 'pem_was_swept', changes }));
  }

  wasSwept(changes: readonly Change[]): void {
    for (const { file, before, found } of changes) {
      // Cleared or pushed out meanwhile.
      if (this.#kept.get(file) !== before) continue;
      if (found === 'there again') before.seen = 'yes';
      else if (found === 'missing') {
        if (before.seen === 'missing') this.#drop(before);
        else before.seen = 'missing';
      } else this.#swap(before, found);
    }
    for (const from of this.#sweeping ?? []) from.reply('ok');
    this.#sweeping = undefined;
  }

  info(): PemCacheInfo {
    return {
      files: this.#kept.size,
      hits: this.#hits,
      reads: this.#reads,
      swapped: this.#swapped,
      refused: this.#refused,
    };
  }

  #answer(file: string, read: ReadResult): PemResult {
    if ('error' in read) return read;
    const kept = new CachedFile(file, read.entries, read.stamp);
    if (this.#options.mode === 'bypass') kept.state = 'replaced';
    else this.#keep(kept);
    return { ok: kept };
  }

  #swap(before: CachedFile, found: ReadResult): void {
    this.#reads += 1;
    const why = 'error' in found ? found.error : objection(before.entries, found.entries);
    if ('error' in found || why !== undefined) {
      this.#refused += 1;
      this.#self.node.logger.warn(
        { file: before.file, reason: why },
        'changed PEM file refused, the old one stays',
      );
      return;
    }
    this.#swapped += 1;
    this.#self.node.logger.info({ file: before.file }, 'changed PEM file read');
    this.#replaced(before);
    this.#keep(new CachedFile(before.file, found.entries, found.stamp));
  }

  #keep(kept: CachedFile): void {
    const victims = this.#kept.set(kept.file, kept, this.#self.node.clock.now());
    for (const { value } of victims) this.#replaced(value);
  }

  #replaced(kept: CachedFile): void {
    kept.state = 'replaced';
    this.#options.onChange?.();
  }

  #replaceAll(): void {
    for (const [, kept] of this.#kept.entries()) kept.state = 'replaced';
    this.#options.onChange?.();
  }

  #drop(kept: CachedFile): void {
    this.#kept.delete(kept.file);
    this.#replaced(kept);
  }

  /** Work on the disk goes on beside the process; its result comes as a message. */
  #later<T>(work: Promise<T>, message: (result: T) => Info): void {
    const { node, pid } = this.#self;
    void work.then((result) => node.send<Info>(pid, message(result)));
  }
}

/** Why changed entries may not take the place of the old ones. */
function objection(before: readonly PemEntry[], after: readonly PemEntry[]): PemFileError | undefined {
  for (const { type } of before) {
    if (!after.some((entry) => entry.type === type)) return { bad_pem: `no ${type} any more` };
  }
  const own = after.find(({ type }) => type === 'Certificate');
  if (own === undefined) return undefined;
  try {
    new Certificate(own.der);
    return undefined;
  } catch (error) {
    return { bad_pem: messageOf(error) };
  }
}

/** Reads what has changed of the files; never rejects. */
async function changesOf(all: readonly CachedFile[], files: FileAccess): Promise<readonly Change[]> {
  const changes = await Promise.all(all.map((before) => changeOf(before, files)));
  return changes.filter((change) => change !== undefined);
}

async function changeOf(before: CachedFile, files: FileAccess): Promise<Change | undefined> {
  const { file } = before;
  let stamp: FileStamp;
  try {
    stamp = await files.stamp(file);
  } catch {
    return { file, before, found: 'missing' };
  }
  if (!sameStamp(stamp, before.stamp)) return { file, before, found: await load(file, files) };
  return before.seen === 'missing' ? { file, before, found: 'there again' } : undefined;
}

/** Reads and decodes; a file that changes while it is read is read again, a few times. Never rejects. */
async function load(file: string, files: FileAccess): Promise<ReadResult> {
  try {
    for (let attempt = 1; ; attempt += 1) {
      const stamp = await files.stamp(file);
      const bytes = await files.read(file);
      if (attempt < 4 && !sameStamp(stamp, await files.stamp(file))) continue;
      const entries = entriesOf(bytes);
      if (entries.length === 0) return { error: { bad_pem: kindOfBytes(bytes) } };
      return { entries, stamp };
    }
  } catch (error) {
    const posix = posixCode(error);
    return { error: posix ?? { bad_pem: messageOf(error) } };
  }
}

/** Blocks of a PEM file, or the one entry that a PKCS#12 file is. */
function entriesOf(bytes: Uint8Array): readonly PemEntry[] {
  return isPkcs12(bytes)
    ? [{ type: 'PFX', der: new Uint8Array(bytes), dekInfo: undefined }]
    : decodePem(bytes);
}

const disk: FileAccess = { stamp: (file) => stat(file), read: (file) => readFile(file) };

function sameStamp(a: FileStamp, b: FileStamp): boolean {
  return a.mtimeMs === b.mtimeMs && a.size === b.size && a.ino === b.ino;
}

/** Errors of node:fs carry `ENOENT` and the like, and the name of the call. */
function posixCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code.toLowerCase() : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
