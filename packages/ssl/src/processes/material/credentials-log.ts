/** What an operator hears of own certificates: that others are in force, and that one is out of date or will be soon. */
import type { LogFields, Logger } from '@actor-tls/runtime';
import type { Config } from '../../options/config.js';
import type { OwnIdentity } from '../../protocol/own-identity.js';
import { type Certificate, sameBytes } from '../../values/x509/certificate.js';
import { certificateOf } from '../../values/x509/parse-cache.js';

interface Identities {
  readonly identities: readonly OwnIdentity[];
}

interface Surroundings {
  readonly logger: Logger;
  /** ms since 1970 */
  readonly wallClock: () => number;
}

/** Tells of the certificates that `before` did not have; without a `before` only of what is wrong with their dates. */
export function tellLoaded(
  now: Identities,
  before: Identities | undefined,
  { role }: Config,
  { logger, wallClock }: Surroundings,
): void {
  const known = before?.identities.flatMap(ownOf) ?? [];
  for (const der of now.identities.flatMap(ownOf)) {
    if (known.some((other) => sameBytes(other, der))) continue;
    const certificate = certificateOf(der);
    const fields = { role, ...fieldsOf(certificate) };
    if (before !== undefined) logger.info(fields, 'changed certificate and key files are in force');
    const worry = worryOf(certificate, wallClock());
    if (worry !== undefined && isNews(certificate, logger)) logger.warn(fields, `own certificate ${worry}`);
  }
}

/** Clients have new options for each connection: a certificate's dates are told once to each logger. */
const told = new WeakMap<Logger, WeakSet<Certificate>>();

function isNews(certificate: Certificate, logger: Logger): boolean {
  const known = told.get(logger) ?? new WeakSet();
  told.set(logger, known);
  if (known.has(certificate)) return false;
  known.add(certificate);
  return true;
}

function ownOf({ chain }: OwnIdentity): readonly Uint8Array[] {
  return chain.slice(0, 1);
}

function fieldsOf({ subject, serialHex, notBefore, notAfter }: Certificate): LogFields {
  return {
    subject: subject.toString(),
    serial: serialHex,
    notBefore: new Date(notBefore).toISOString(),
    notAfter: new Date(notAfter).toISOString(),
  };
}

const day = 86_400_000;

/** `soon` is a tenth of its life, two weeks at most: a certificate of one day is not old after its first hour. */
function worryOf({ notBefore, notAfter }: Certificate, now: number): string | undefined {
  if (now < notBefore) return 'is not valid yet';
  if (now > notAfter) return 'has expired';
  const soon = Math.min((notAfter - notBefore) / 10, 14 * day);
  return notAfter - now < soon ? 'expires soon' : undefined;
}
