/**
 * What a client's hello claims by offering keys (RFC 8446 §4.2.11): nothing of it is believed, and nobody is told that a
 * key was used, before its binder has proved that the client has the key.
 */
import type { HashName } from '../../values/crypto/engine.js';
import type { ServerContext } from '../contexts.js';
import { chooseSuite } from '../hello/choose.js';
import { type Suite, tls13Suite } from '../hello/suite.js';
import { AlertError } from '../reasons.js';
import { Transcript } from '../transcript.js';
import type { Selection } from './choose.js';
import type { EarlySecret } from './key-schedule.js';
import {
  beforeBinders,
  type ClaimedPsks,
  checkBinder,
  earlySecretOf,
  type FoundPsk,
  type PreSharedKey,
} from './psk.js';
import type { WithShare } from './server-states.js';

/** A handshake as it goes on under a key that the client has proved to have. */
export interface ProvenPsk extends WithShare {
  readonly secret: EarlySecret;
}

/** A key that was tried last. */
interface Tried extends Pick<PreSharedKey, 'secret' | 'origin'> {
  readonly index: number;
  readonly outcome: ProvenPsk | AlertError;
}

/** One client's claims, in the hello that is to be answered. */
export class PskClaim {
  /** Hashes that a key may have. The first goes with the suite that was selected. */
  readonly hashes: readonly HashName[];
  private readonly from: WithShare;
  private readonly claimed: ClaimedPsks;
  private readonly context: ServerContext;
  private tried: Tried | undefined = undefined;

  constructor(from: WithShare, claimed: ClaimedPsks, context: ServerContext) {
    this.from = from;
    this.claimed = claimed;
    this.context = context;
    this.hashes = usableHashes(from, context);
  }

  /** Whether the hello was made by somebody who has this key. The key's hash is one of `hashes`. */
  isProven(found: FoundPsk): boolean {
    return !(this.outcomeOf(found) instanceof AlertError);
  }

  /** The handshake under this key. Throws `bad_psk_binder`. */
  prove(found: FoundPsk): ProvenPsk {
    const outcome = this.outcomeOf(found);
    if (outcome instanceof AlertError) throw outcome;
    return outcome;
  }

  /** Worked out once, however often it is asked. */
  private outcomeOf(found: FoundPsk): ProvenPsk | AlertError {
    const { index, psk } = found;
    const { tried } = this;
    if (tried?.index === index && tried.secret === psk.secret && tried.origin === psk.origin)
      return tried.outcome;
    const outcome = this.attempt(found);
    this.tried = { index, secret: psk.secret, origin: psk.origin, outcome };
    return outcome;
  }

  private attempt(found: FoundPsk): ProvenPsk | AlertError {
    const { claimed, context } = this;
    const { hash } = found.psk;
    if (!this.hashes.includes(hash)) throw new TypeError('a key of another hash than was asked for');
    const handshake = withHash(this.from, claimed, hash, context);
    const { suite } = handshake.selection;
    const secret = earlySecretOf(found.psk, suite.hash);
    const binderHash = handshake === this.from ? claimed.binderHash : partialHash(claimed, suite);
    try {
      checkBinder({ ...claimed, binderHash }, found, secret, context.dependencies.engine);
    } catch (error) {
      if (error instanceof AlertError) return error;
      throw error;
    }
    return { ...handshake, secret };
  }
}

function partialHash({ raw, offered }: ClaimedPsks, { hash }: Suite): Uint8Array {
  return hash.digest(beforeBinders(raw, offered.binders));
}

/** After a HelloRetryRequest the suite stands. */
function usableHashes(
  { selection, hellos }: WithShare,
  { config, dependencies }: ServerContext,
): readonly HashName[] {
  const { hash } = selection.suite;
  if (hellos === 'retried') return [hash.name];
  const offered = new Set(selection.hello.cipherSuites);
  const others = config.ciphers.flatMap((row) => {
    const suite = offered.has(row.id) ? tls13Suite(row, dependencies.engine) : undefined;
    return suite === undefined ? [] : [suite.hash.name];
  });
  return [...new Set([hash.name, ...others])];
}

/** A key agreed upon beforehand has one hash, and the best suite may have another: then the key decides. */
function withHash(
  from: WithShare,
  { raw }: ClaimedPsks,
  hash: HashName,
  { config, dependencies }: ServerContext,
): WithShare {
  const { selection } = from;
  if (selection.suite.hash.name === hash) return from;
  const suite = chooseSuite(
    selection.hello.cipherSuites,
    config.ciphers,
    config.honorCipherOrder ? 'server' : 'client',
    (row) => ofHash(tls13Suite(row, dependencies.engine), hash),
  );
  const transcript = new Transcript(suite.hash);
  transcript.add(raw);
  const chosen: Selection = { ...selection, suite };
  return { selection: chosen, transcript, share: from.share, hellos: from.hellos };
}

function ofHash(suite: Suite | undefined, hash: HashName): Suite | undefined {
  return suite?.hash.name === hash ? suite : undefined;
}
