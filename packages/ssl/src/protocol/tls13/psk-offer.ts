/** What a client's hello says of pre-shared keys and early data (RFC 8446 §4.2.10, §4.2.11). */
import type { CryptoEngine, HashFunction } from '../../values/crypto/engine.js';
import { sameBytes } from '../../values/wire/same-bytes.js';
import type { OfferedPsks } from '../extensions/pre-shared-key.js';
import { type Suite, tls13Suite } from '../hello/suite.js';
import type { ClientSettings } from '../settings.js';
import { EarlyDataAllowance } from './early-data.js';
import type { EarlySecret, Exporter, TrafficSecret } from './key-schedule.js';
import { earlyKeys } from './negotiated.js';
import { type ClientResumption, type EarlyDataTerms, earlySecretOf, type PskOffer } from './psk.js';

/** A key that is offered, with what it is used with. */
export interface OfferedPsk {
  readonly offer: PskOffer;
  readonly hash: HashFunction;
  readonly early: EarlySecret;
}

/** Data that goes out before the server has answered. */
export type EarlyOffer =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'offered';
      readonly terms: EarlyDataTerms;
      readonly suite: Suite;
      /** client_early_traffic_secret */
      readonly secret: TrafficSecret;
      readonly exporter: Exporter;
      readonly allowance: EarlyDataAllowance;
    }
  /** It was, and a HelloRetryRequest came (§4.2.10). */
  | { readonly kind: 'withdrawn' };

export const noEarlyData: EarlyOffer = { kind: 'none' };

/** How much may be sent, as long as the offer stands. */
export function allowanceOf(early: EarlyOffer): EarlyDataAllowance | undefined {
  return early.kind === 'offered' ? early.allowance : undefined;
}

/** The keys that go with a suite of the config. */
export function usablePsks(
  { psks }: ClientResumption,
  { ciphers }: ClientSettings,
  engine: CryptoEngine,
): readonly OfferedPsk[] {
  return psks.flatMap((offer) => {
    const hash = engine.hash(offer.hash);
    const fits = ciphers.some((row) => tls13Suite(row, engine)?.hash.name === offer.hash);
    return hash === undefined || !fits ? [] : [{ offer, hash, early: earlySecretOf(offer, hash) }];
  });
}

/** The extension; without binders yet, each is as many zeros as it will have bytes. */
export function offeredPsks(
  psks: readonly OfferedPsk[],
  binders: readonly Uint8Array[] = psks.map(({ hash }) => new Uint8Array(hash.outputLength)),
): OfferedPsks {
  const identities = psks.map(({ offer: { identity, obfuscatedTicketAge } }) => ({
    identity,
    obfuscatedTicketAge,
  }));
  return { identities, binders };
}

/** §4.2.11.2: the proof that we have the key. `binderHash`: Transcript-Hash of the hello up to its binders. */
export function binderOf({ offer, early }: OfferedPsk, binderHash: Uint8Array): Uint8Array {
  return early.binderKey(offer.origin).mac(binderHash);
}

/** What early data may go under, if it is wished for, and the first key and the config allow it. */
export function earlyDataTerms(
  { earlyData }: ClientResumption,
  [first]: readonly OfferedPsk[],
  { ciphers, alpnAdvertisedProtocols: protocols = [] }: ClientSettings,
): EarlyDataTerms | undefined {
  const terms = first?.offer.earlyData;
  if (earlyData === 'none' || terms === undefined || !ciphers.includes(terms.suite)) return undefined;
  const { alpn } = terms;
  const known = alpn === undefined || protocols.some((protocol) => sameBytes(protocol, alpn));
  return known ? terms : undefined;
}

/** The right to write early: keys of the hello that has just been made, whole. */
export function earlyOffer(
  terms: EarlyDataTerms,
  { hash, early }: OfferedPsk,
  hello: Uint8Array,
  engine: CryptoEngine,
): EarlyOffer {
  const suite = tls13Suite(terms.suite, engine);
  if (suite === undefined) return noEarlyData;
  const keys = earlyKeys(early, hash.digest(hello));
  return { kind: 'offered', terms, suite, ...keys, allowance: new EarlyDataAllowance(terms.maxSize) };
}
