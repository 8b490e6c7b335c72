/**
 * Whether options that come again say what a copy of them says (`own-options.ts`): bytes, lists and plain objects by
 * what is in them, functions, keys and other objects by being the same.
 */
import { sameBytes } from '../values/wire/same-bytes.js';

type Raw = Readonly<Record<string, unknown>>;

/** The order counts too: of several wrong options it decides which is told. */
export function sameOptions(kept: Raw, given: Raw): boolean {
  const keys = Object.keys(given);
  const known = Object.keys(kept);
  return (
    keys.length === known.length &&
    keys.every((key, at) => known[at] === key && sameValue(kept[key], given[key], deepest))
  );
}

/** As deep as copies go, and a level more: what lies deeper is the same object in both, or counts as changed. */
const deepest = 5;

function sameValue(kept: unknown, given: unknown, levels: number): boolean {
  if (Object.is(kept, given)) return true;
  if (typeof kept !== 'object' || typeof given !== 'object' || kept === null || given === null) return false;
  if (levels === 0) return false;
  if (kept instanceof Uint8Array || given instanceof Uint8Array)
    return kept instanceof Uint8Array && given instanceof Uint8Array && sameBytes(kept, given);
  if (Array.isArray(kept) || Array.isArray(given))
    return (
      Array.isArray(kept) &&
      Array.isArray(given) &&
      kept.length === given.length &&
      kept.every((item, at) => sameValue(item, given[at], levels - 1))
    );
  return isPlain(kept) && isPlain(given) && samePlain(kept, given, levels - 1);
}

function samePlain(kept: Raw, given: Raw, levels: number): boolean {
  const keys = Object.keys(given);
  return (
    keys.length === Object.keys(kept).length &&
    keys.every((key) => Object.hasOwn(kept, key) && sameValue(kept[key], given[key], levels))
  );
}

function isPlain(value: object): value is Raw {
  const proto: unknown = Object.getPrototypeOf(value);
  return proto === Object.prototype || proto === null;
}
