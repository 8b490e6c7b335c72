/**
 * The transcript hash (RFC 8446 §4.4.1).
 */
import type { HashFunction, RunningHash } from '../values/crypto/engine.js';

/** HandshakeType of the synthetic message that replaces a retried ClientHello. */
const MESSAGE_HASH = 254;

/**
 * Hash of the handshake messages so far. A client, which learns the hash function from the ServerHello, keeps its
 * ClientHello's bytes until then.
 */
export class Transcript {
  readonly hash: HashFunction;
  private running: RunningHash;
  /** The digest of what was added, until more is. */
  private current: Uint8Array | undefined = undefined;

  constructor(hash: HashFunction, running: RunningHash = hash.start()) {
    this.hash = hash;
    this.running = running;
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

  /** The same so far, and independent of this one from here on. */
  fork(): Transcript {
    return new Transcript(this.hash, this.running.fork());
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
