/** Bundles for machines without Node, made as a browser's application is: by package name, through the exports map. */
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';

const folder = fileURLToPath(new URL('.', import.meta.url));

export interface Bundle {
  /** A classic script: a page may carry it inline. */
  readonly code: string;
  /** bytes */
  readonly gzipped: number;
  /** Paths of the files it was made of. */
  readonly files: readonly string[];
}

/** `program` is a module's text; its imports are looked up from this folder. A warning of the bundler is an error. */
export async function bundle(program: string): Promise<Bundle> {
  const entry = `${folder}entry.ts`;
  const made = await rolldown({
    input: entry,
    platform: 'browser',
    // The tests' own paths lead to sources for Node.
    tsconfig: false,
    onLog(_level, { message }) {
      throw new Error(message);
    },
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === entry ? entry : undefined),
        load: (id) => (id === entry ? program : undefined),
      },
    ],
  });
  const { output } = await made.generate({ format: 'iife', minify: true, codeSplitting: false });
  await made.close();
  const [chunk] = output;
  return { code: chunk.code, gzipped: gzipSync(chunk.code).length, files: chunk.moduleIds };
}
