/**
 * Erlang terms as the recordings of OTP write them in JSON (`testdata/otp25/README.md`, "Terms in JSON"):
 * their types, constructors, one canonical form for comparison, and Erlang's own notation for messages.
 */

/** An Erlang term in the recordings' JSON. */
export type Term =
  | number
  | readonly Term[]
  | { readonly atom: string }
  | { readonly int: string }
  | { readonly float: number }
  | { readonly bin: string }
  | { readonly bintext: string }
  | { readonly bits: string; readonly size: number }
  | { readonly str: string }
  | { readonly improper: readonly Term[]; readonly tail: Term }
  | { readonly tuple: readonly Term[] }
  | { readonly map: readonly (readonly [Term, Term])[] }
  | { readonly opaque: string }
  | { readonly pid: string }
  | { readonly ref: string };

export const atom = (name: string): Term => ({ atom: name });
export const tuple = (...items: readonly Term[]): Term => ({ tuple: items });

/** The items of a tuple, of this size if one is given; otherwise `undefined`. */
export function tupleItems(term: Term, size?: number): readonly Term[] | undefined {
  if (typeof term !== 'object' || !('tuple' in term)) return undefined;
  return size === undefined || term.tuple.length === size ? term.tuple : undefined;
}

/** The name of an atom; otherwise `undefined`. */
export function atomName(term: Term | undefined): string | undefined {
  return typeof term === 'object' && 'atom' in term ? term.atom : undefined;
}

/** The items of a proper list, a `str` included (as its code points); otherwise `undefined`. */
export function listItems(term: Term): readonly Term[] | undefined {
  if (isList(term)) return term;
  if (typeof term === 'object' && 'str' in term) return [...term.str].map((c) => c.codePointAt(0) ?? 0);
  return undefined;
}

/** The pairs of a map; none if it is no map. */
export function mapPairs(term: Term): readonly (readonly [Term, Term])[] {
  return typeof term === 'object' && !isList(term) && 'map' in term ? term.map : [];
}

/** A map's or a property list's value under an atom. */
export function lookup(term: Term, key: string): Term | undefined {
  if (typeof term !== 'object') return undefined;
  if (!isList(term) && 'map' in term) return term.map.find(([k]) => atomName(k) === key)?.[1];
  for (const item of listItems(term) ?? []) {
    const pair = tupleItems(item, 2);
    if (pair !== undefined && atomName(pair[0]) === key) return pair[1];
  }
  return undefined;
}

/** The characters of a `str`, of a binary (as UTF-8) or of the empty list; otherwise `undefined`. */
export function textOf(term: Term): string | undefined {
  if (isList(term)) return term.length === 0 ? '' : undefined;
  if (typeof term !== 'object') return undefined;
  if ('str' in term) return term.str;
  if ('bintext' in term) return term.bintext;
  return 'bin' in term ? Buffer.from(term.bin, 'hex').toString('utf8') : undefined;
}

/** One JSON form per value: printable lists become `str`, maps are sorted by key. Terms equal in Erlang become deeply equal. */
export function canonical(term: Term): Term {
  if (isList(term)) {
    const text = printable(term);
    return text === undefined ? term.map(canonical) : { str: text };
  }
  if (typeof term !== 'object') return term;
  if ('tuple' in term) return { tuple: term.tuple.map(canonical) };
  if ('improper' in term) return { improper: term.improper.map(canonical), tail: canonical(term.tail) };
  if ('map' in term) {
    const pairs = term.map.map(([key, value]): [Term, Term] => [canonical(key), canonical(value)]);
    return { map: pairs.sort(([a], [b]) => (renderTerm(a) < renderTerm(b) ? -1 : 1)) };
  }
  return term;
}

/** The term in Erlang's notation, for test names and differences: `{error,{options,{versions,[]}}}`. */
export function renderTerm(term: Term): string {
  if (isList(term)) return `[${term.map(renderTerm).join(',')}]`;
  if (typeof term !== 'object') return String(term);
  if ('atom' in term) return /^[a-z][a-zA-Z0-9_@]*$/.test(term.atom) ? term.atom : `'${term.atom}'`;
  if ('int' in term) return term.int;
  if ('float' in term) return String(term.float);
  if ('bin' in term) return `<<16#${term.bin}>>`;
  if ('bintext' in term) return `<<"${term.bintext}">>`;
  if ('bits' in term) return `<<16#${term.bits}:${term.size}>>`;
  if ('str' in term) return JSON.stringify(term.str);
  if ('improper' in term) return `[${term.improper.map(renderTerm).join(',')}|${renderTerm(term.tail)}]`;
  if ('tuple' in term) return `{${term.tuple.map(renderTerm).join(',')}}`;
  if ('map' in term) return `#{${term.map.map(([k, v]) => `${renderTerm(k)}=>${renderTerm(v)}`).join(',')}}`;
  if ('opaque' in term) return `#${term.opaque}`;
  if ('pid' in term) return `<${term.pid}>`;
  return `#Ref<${term.ref}>`;
}

/** `Array.isArray` does not narrow a union with readonly arrays. */
function isList(term: Term): term is readonly Term[] {
  return Array.isArray(term);
}

/** The text of a non-empty list of code points that Erlang's `io_lib:printable_unicode_list/1` takes for one. */
function printable(list: readonly Term[]): string | undefined {
  if (list.length === 0) return undefined;
  let text = '';
  for (const item of list) {
    if (typeof item !== 'number' || !isPrintable(item)) return undefined;
    text += String.fromCodePoint(item);
  }
  return text;
}

function isPrintable(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  if ((code >= 8 && code <= 13) || code === 27) return true;
  if (code < 32 || (code > 126 && code < 160)) return false;
  return code < 0xd800 || (code > 0xdfff && code < 0xfffe) || (code > 0xffff && code <= 0x10ffff);
}
