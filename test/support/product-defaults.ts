/**
 * What a peer's certificates are judged by when a user of the product says nothing. Conformance suites are run with
 * this and no settings of their own, so that what they show is what users have.
 */
import { parseClientOptions } from '../../packages/ssl/src/options/parse.js';
import { defaultEngine } from '../../packages/ssl/src/values/crypto/default-engine.js';
import type { PeerVerification } from '../../packages/ssl/src/values/x509/peer-verification.js';

export const productDefaults: Required<Pick<PeerVerification, 'depth' | 'signatureAlgs' | 'minKeySize'>> =
  readDefaults();

function readDefaults(): typeof productDefaults {
  const parsed = parseClientOptions({}, { engine: defaultEngine });
  if ('error' in parsed) throw new Error('no options at all are refused');
  const { depth, minKeySize, signatureAlgs, signatureAlgsCert } = parsed.ok;
  return { depth, minKeySize, signatureAlgs: signatureAlgsCert ?? signatureAlgs };
}
