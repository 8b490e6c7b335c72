/** node:tls of a current Node (`ACTOR_TLS_CURRENT_NODE`, path of its program): OpenSSL 3.5, which has the hybrid groups. */
import { fileURLToPath } from 'node:url';
import { opensslGroup, opensslName } from './openssl.js';
import { scripted } from './scripted.js';

export const currentNodePath: string | undefined = process.env['ACTOR_TLS_CURRENT_NODE'];

const script = fileURLToPath(new URL('./node/peer.mjs', import.meta.url));

export const currentNode = scripted(
  'node:tls of a current Node',
  () => [currentNodePath ?? 'node', script],
  ({ groups, suite }) => ({
    groups: groups?.map(opensslGroup),
    // A tag of 64 bits is below the level that OpenSSL asks for.
    ciphers: suite && `${opensslName(suite)}${suite.includes('CCM_8') ? ':DEFAULT:@SECLEVEL=0' : ''}`,
  }),
  (version, what) => version === 'tlsv1.2' && (what.includes('mlkem') || what.includes('tls13')),
);
