/**
 * Options of a call as they are now. A config is made of them, and a listener keeps them for `handshake/3`: what their
 * owner does with his lists, bytes and objects afterwards (overwriting a key, pushing to a list) changes neither.
 */
import { optionRows } from './rows.js';
import { isOptionObject } from './socket-options.js';

type Raw = Readonly<Record<string, unknown>>;

/** Their inside is the user's, and meant to live: a database handle, the state of a function. */
const live: ReadonlySet<string> = new Set(
  optionRows.filter(({ kept }) => kept === 'live').map(({ name }) => name),
);
/** Options themselves, by host. */
const byHost: ReadonlySet<string> = new Set(
  optionRows.filter(({ kept }) => kept === 'hosts').map(({ name }) => name),
);
/** Levels of lists and plain objects below an option: `certsKeys: [{ cert: [bytes] }]` has three. */
const deepest = 4;

/** A copy without prototypes: own properties and no others, what a polluted Object.prototype says is nobody's wish. */
export function ownOptions(options: Raw): Raw {
  const own: Record<string, unknown> = { __proto__: null, ...options };
  for (const [key, value] of Object.entries(own))
    own[key] = byHost.has(key) ? ownHosts(value) : ownValue(key, value);
  return own;
}

/** Hosts inside of a host's options are refused, and so need not be followed. */
function ownHosts(hosts: unknown): unknown {
  if (!isOptionObject(hosts)) return hosts;
  const own: Record<string, unknown> = { __proto__: null };
  for (const [host, options] of Object.entries(hosts))
    own[host] = isOptionObject(options) ? ownHost(options) : options;
  return own;
}

function ownHost(options: Raw): Raw {
  const own: Record<string, unknown> = { __proto__: null, ...options };
  for (const [key, value] of Object.entries(own)) if (!byHost.has(key)) own[key] = ownValue(key, value);
  return own;
}

function ownValue(key: string, value: unknown): unknown {
  return copyOf(value, live.has(key) ? 1 : deepest);
}

/** Functions, keys and other objects of a class stay what they are. */
function copyOf(value: unknown, levels: number): unknown {
  if (typeof value !== 'object' || value === null || levels === 0) return value;
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return value.map((item) => copyOf(item, levels - 1));
  const proto: unknown = Object.getPrototypeOf(value);
  if (proto !== Object.prototype && proto !== null) return value;
  const copy: Record<string, unknown> = { __proto__: null };
  for (const [key, item] of Object.entries(value)) copy[key] = copyOf(item, levels - 1);
  return copy;
}
