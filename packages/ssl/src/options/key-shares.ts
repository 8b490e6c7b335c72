/** Which groups a client sends a share for at once (RFC 8446 §4.2.8), of those that it offers. */
import type { Group, GroupName } from '../values/crypto/engine.js';
import { badValue } from './option-error.js';
import { type At, isList } from './row.js';

/** In the order of `supportedGroups`, as §4.2.8 wants it, each once. Throws `OptionError`. */
export function keyShares(value: unknown, { settings: { supportedGroups } }: At): readonly GroupName[] {
  if (isList(value)) {
    const wanted: ReadonlySet<unknown> = new Set(value);
    const shares = supportedGroups.filter((name) => wanted.has(name));
    return shares.length === wanted.size ? shares : badValue('keyShares', value);
  }
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) return badValue('keyShares', value);
  return supportedGroups.slice(0, value);
}

/**
 * Of `supportedGroups` the first of Diffie-Hellman, and a native hybrid one that stands before it, but not over datagrams:
 * a hello with a hybrid share does not fit into one, and a server that keeps nothing of strangers wants it whole.
 */
export function defaultKeyShares({
  engine,
  settings: { supportedGroups, protocol },
}: At): readonly GroupName[] {
  const groups = supportedGroups.flatMap((name) => engine.group(name) ?? []);
  const [first] = groups;
  const plain = groups.find(({ kind }) => kind === 'dh');
  // Nothing but hybrid groups: the first of them, whatever it costs.
  const chosen =
    plain === undefined ? [first] : protocol === 'tls' && isNativeHybrid(first) ? [first, plain] : [plain];
  return chosen.flatMap((group) => group?.name ?? []);
}

function isNativeHybrid(group: Group | undefined): boolean {
  return group?.kind === 'kem' && group.native;
}
