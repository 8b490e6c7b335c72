/**
 * The key of a user that both sides have before they meet, in TLS 1.2 and before (RFC 4279 §2): the user's function is asked
 * for it. It may be slow and may throw; only the one connection that asks feels it.
 */
import type { Config } from '../../options/config.js';
import type { FoundUser, UserWish } from '../../protocol/tls12/user.js';
import { Secret } from '../../values/secret.js';
import type { Result } from '../../values/terms.js';
import { lookedUp } from '../../values/user-lookup.js';

/** A server's: of the identity that the client names. A client's: of its own. The error is what the function has thrown. */
export async function findUser(wish: UserWish, config: Config): Promise<Result<FoundUser | undefined>> {
  const { userLookupFun: lookup, pskIdentity } = config;
  if (wish.kind !== 'psk' || lookup === undefined) return { ok: undefined };
  const own = pskIdentity === undefined ? undefined : new TextEncoder().encode(pskIdentity);
  const identity = wish.identity ?? own;
  if (identity === undefined) return { ok: undefined };
  try {
    const found = lookedUp(await lookup.fun('psk', identity, lookup.state));
    // A key that is meant for the importer is never used itself (RFC 9258 §4).
    if (found === undefined || found.imported !== undefined) return { ok: undefined };
    return { ok: { kind: 'psk', identity, key: new Secret(new Uint8Array(found.ok)) } };
  } catch (error) {
    return { error: error instanceof Error ? error.message : 'thrown' };
  }
}
