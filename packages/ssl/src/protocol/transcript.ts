/**
 * The transcript hash (RFC 8446 §4.4.1).
 */
import type { HashFunction, RunningHash } from '../values/crypto/engine.js';
import { concat } from '../values/wire/join.js';

/** What a transcript needs of a hash. */
export type TranscriptHash = Pick<HashFunction, 'start'>;

/** MD5 and SHA-1, one behind the other: the transcript of TLS 1.1 and 1.0 (RFC 4346 §7.4.9). */
export function md5Sha1Hashing(md5: HashFunction, sha: HashFunction): TranscriptHash {
  return { start: () => new RunningPair(md5.start(), sha.start()) };
}

class RunningPair implements RunningHash {
  private readonly first: RunningHash;
  private readonly second: RunningHash;

  constructor(first: RunningHash, second: RunningHash) {
    this.first = first;
    this.second = second;
  }

  update(data: Uint8Array): void {
    this.first.update(data);
    this.second.update(data);
  }

  digest(): Uint8Array {
    return concat([this.first.digest(), this.second.digest()]);
  }

  fork(): RunningHash {
    return new RunningPair(this.first.fork(), this.second.fork());
  }
}

/** HandshakeType of the synthetic message that replaces a retried ClientHello. */
const MESSAGE_HASH = 254;

/**
 * Hash of the handshake messages so far. A client, which learns the hash function from the ServerHello, keeps its
 * ClientHello's bytes until then.
 */
export class Transcript<Hash extends TranscriptHash = HashFunction> {
  readonly hash: Hash;
  private running: RunningHash;
  /** The digest of what was added, until more is. */
  private current: Uint8Array | undefined = undefined;

  constructor(hash: Hash) {
    this.hash = hash;
    this.running = hash.start();
  }

  /** Adds a whole handshake message, header included. */
  add(message: Uint8Array): void {
    this.running.update(message);
    this.current = undefined;
  }

  /** Transcript-Hash of everything added. Shared: do not write into it. */
  digest(): Uint8Array {
    this.current ??= this.running.digest();
    return this.current;
  }

  /** The hash as if `part` had been added too: a ClientHello up to its binders (§4.2.11.2). */
  digestWith(part: Uint8Array): Uint8Array {
    const fork = this.running.fork();
    fork.update(part);
    return fork.digest();
  }

  /** After a HelloRetryRequest: what was added (the first ClientHello) becomes a `message_hash` message. */
  replaceByMessageHash(): void {
    const digest = this.digest();
    this.running = this.hash.start();
    this.running.update(Uint8Array.of(MESSAGE_HASH, 0, 0, digest.length));
    this.running.update(digest);
    this.current = undefined;
  }
}
