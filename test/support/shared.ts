/**
 * Where recorded data lies: `../shared/testdata` beside the repository, or the copies in `test/data`,
 * with which a clone alone is complete for what OTP did (`otp25`) and for RFC 8448's traces.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const places: readonly string[] = ['../../../shared/testdata/', '../data/'];

/**
 * The absolute path of a data file or folder (`otp25/options.json.gz`, `rfc8448.json.gz`, `wycheproof`),
 * or `undefined` when it is in neither place. Suites ask for their files with `describeWithData`.
 */
export function sharedData(name: string): string | undefined {
  for (const place of places) {
    const path = fileURLToPath(new URL(place + name, import.meta.url));
    if (existsSync(path)) return path;
  }
  return undefined;
}

/** Whether the shared data lies beside the repository, so that none of it should be missing. */
export function hasNeighbour(): boolean {
  return existsSync(fileURLToPath(new URL('../../../shared/testdata/', import.meta.url)));
}

/** The parsed content of a JSON file of the shared data, unzipped when its name ends in `.gz`. Throws if absent. */
export function readSharedJson(name: string): unknown {
  const path = sharedData(name);
  if (path === undefined) throw new Error(`no shared data ${name}: ask for it with describeWithData`);
  const bytes = readFileSync(path);
  return JSON.parse((path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8'));
}
