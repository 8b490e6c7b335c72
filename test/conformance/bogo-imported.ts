/** Keys agreed upon beforehand, as the importer makes them (RFC 9258): one for each hash. */
import {
  defaultEngine as engine,
  type FoundPsk,
  importedIdentityFor,
  importPsk,
  type PskOffer,
  type PskWish,
} from '@actor-tls/ssl/core';
import type { ImportedCredential } from './bogo-flags.js';

type Version = Parameters<typeof importPsk>[4];

const hashes = ['sha256', 'sha384'] as const;

/** What a client offers. */
export function offeredKeys(credentials: readonly ImportedCredential[], version: Version): PskOffer[] {
  return credentials.flatMap(({ key, identity, context, hash }) =>
    hashes.map((target): PskOffer => {
      const wire = importedIdentityFor(identity, context, target, version);
      const secret = importPsk({ secret: key, hash }, wire, target, engine, version);
      const known = { hash: target, chain: [], earlyData: undefined };
      return { origin: 'imported', secret, ...known, identity: wire, obfuscatedTicketAge: 0 };
    }),
  );
}

/** The first identity that a server has the key of. */
export function findKey(
  wish: PskWish,
  credentials: readonly ImportedCredential[],
  version: Version,
): FoundPsk | undefined {
  const keys = offeredKeys(credentials, version).filter(({ hash }) => wish.hashes.includes(hash));
  for (const [index, { identity }] of wish.identities.entries()) {
    const psk = keys.find((key) => Buffer.compare(key.identity, identity) === 0);
    if (psk !== undefined) return { index, psk };
  }
  return undefined;
}
