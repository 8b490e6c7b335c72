/**
 * What a suite tells the summary beyond passed and failed: counters of its oracle, and that it was left out
 * because data or a peer is absent. Workers are processes of their own, so each line is appended to the file
 * that `ACTOR_TLS_REPORT` names; `summary-reporter.ts` reads it when all have run.
 */
import { accessSync, appendFileSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasNeighbour, sharedData } from './shared.js';

/** One line of the report file. */
export type ReportLine =
  | { readonly kind: 'counters'; readonly name: string; readonly counters: Counters }
  | { readonly kind: 'absent'; readonly suite: string; readonly why: string };

/** Counted things by their name, such as `{ agree: 238, deviate: 0 }`. Counts of one name are added up. */
export type Counters = Readonly<Record<string, number | string>>;

/** Programs that suites speak to. */
export type Peer =
  | 'openssl'
  | 'gnutls-cli'
  | 'gnutls-serv'
  | 'erl'
  | 'erlc'
  | 'escript'
  | 'go'
  | 'python3'
  | 'curl'
  | 'strace'
  | 'chromium'
  | 'deno'
  | 'bun';

/** Adds counters under a name to the summary's last lines: `report('process_semantics', { agree: 238 })`. */
export function report(name: string, counters: Counters): void {
  append({ kind: 'counters', name, counters });
}

/**
 * A suite that needs data files (`otp25/options.json.gz`). `fn` runs only if all are there. Otherwise the suite
 * counts as one skipped test, named on the last lines. Under `ACTOR_TLS_REQUIRE_ALL=1` it fails, but in a checkout
 * that stands alone: what lies beside the repository can be installed by nobody.
 */
export function describeWithData(name: string, files: string | readonly string[], fn: () => void): void {
  const absent = list(files).filter((file) => sharedData(file) === undefined);
  if (absent.length === 0) describe(name, fn);
  else leaveOut(name, `data absent: ${absent.join(', ')}`, hasNeighbour());
}

/** A suite that needs programs on the PATH. Absent ones are treated as absent data is. */
export function describeWithPeer(name: string, peers: Peer | readonly Peer[], fn: () => void): void {
  const absent = list(peers).filter((peer) => findPeer(peer) === undefined);
  describeUnless(name, absent.length > 0 ? `not installed: ${absent.join(', ')}` : undefined, fn);
}

/** A suite that is left out for any reason given in words (an OpenSSL without some curve, a Node too old). */
export function describeUnless(name: string, why: string | undefined, fn: () => void): void {
  if (why === undefined) {
    describe(name, fn);
    return;
  }
  leaveOut(name, why, true);
}

/** A suite for what only who names it has (an Erlang unpacked from elsewhere): it is never demanded. */
export function describeIfNamed(name: string, why: string | undefined, fn: () => void): void {
  if (why === undefined) describe(name, fn);
  else leaveOut(name, why, false);
}

function leaveOut(name: string, why: string, mayBeRequired: boolean): void {
  if (mayBeRequired && process.env['ACTOR_TLS_REQUIRE_ALL'] === '1') {
    describe(name, () => it('has what it needs', () => expect.fail(why)));
    return;
  }
  append({ kind: 'absent', suite: name, why });
  describe(name, () => it.skip(why));
}

/** The absolute path of a peer's program, or `undefined` if the PATH has none. */
export function findPeer(peer: Peer): string | undefined {
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(directory, peer);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not in this directory
    }
  }
  return undefined;
}

function append(line: ReportLine): void {
  const file = process.env['ACTOR_TLS_REPORT'];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(line)}\n`);
}

function list<T extends string>(items: T | readonly T[]): readonly T[] {
  return typeof items === 'string' ? [items] : items;
}
