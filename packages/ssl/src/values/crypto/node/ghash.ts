/**
 * The WebAssembly module of `packages/ssl/wasm/ghash.wat`: GHASH (SP 800-38D §6.4) and the XOR of AES-GCM over its own
 * memory, in constant time.
 */
import { ghashModule } from './ghash-module.js';

/** Addresses and lengths are bytes in `memory`, and not checked. What stands where, the module's source says. */
export interface Ghash {
  readonly memory: { readonly buffer: ArrayBuffer };
  /** Makes the table of a key, 256 bytes, where its H stands. */
  expand(table: number): void;
  /** Seals `length` bytes from `data` on where they stand; `aad` bytes of additional data are in front of them. */
  seal(table: number, stream: number, data: number, aad: number, length: number): void;
  /** Opens likewise, the tag being behind the data. 0 when it is wrong: then nothing was decrypted. */
  open(table: number, stream: number, data: number, aad: number, length: number): number;
}

/** As much of it as is used here: the types of Node 20 do not have it. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: Ghash };
};

let loaded: { readonly ghash: Ghash | undefined } | undefined;

/**
 * This thread's instance, compiled when it is first asked for. `undefined` where there is no WebAssembly (`--jitless`),
 * no vector instructions, or no address space for it.
 */
export function loadGhash(): Ghash | undefined {
  loaded ??= { ghash: compile() };
  return loaded.ghash;
}

function compile(): Ghash | undefined {
  if (typeof WebAssembly === 'undefined') return undefined;
  try {
    const module = new WebAssembly.Module(Buffer.from(ghashModule, 'base64'));
    return new WebAssembly.Instance(module).exports;
  } catch {
    return undefined;
  }
}
