/**
 * Functions of C, by koffi or by node:ffi where this Node has it switched on (26.9 and later). Addresses are numbers: an
 * object per argument would cost more than most of the calls.
 *
 * Nobody behind these functions checks anything. koffi takes -1 and NaN for addresses; only the number of arguments is
 * looked at. All bounds are checked by the callers, before the call.
 */
import { createRequire } from 'node:module';

/** Loads at once, and only what is asked for. */
const require = createRequire(import.meta.url);

/** `address`, `size` and `long` are 64 bits wide, `int` 32. */
export type CType = 'address' | 'int' | 'size' | 'long' | 'void';

export type ForeignFunction = (...args: number[]) => number;

/** What calls C for us. */
export type Bridge = 'node:ffi' | 'koffi';

/** The symbols of this very process. */
export interface ForeignLibrary {
  readonly bridge: Bridge;
  /** Throws when there is no such symbol. Each name is bound once. */
  bind(name: string, result: CType, args: readonly CType[]): ForeignFunction;
  /**
   * Where the bytes stand. It holds while the caller holds them, so it is used at once and not kept.
   * Throws `TypeError` for what is no view of memory.
   */
  address(bytes: Uint8Array): number;
}

/** Why there is no engine through FFI here, and what can be done about it. */
export class FfiUnavailable extends Error {
  override readonly name = 'FfiUnavailable';
  readonly code = 'ERR_FFI_UNAVAILABLE';
}

/** By the bridge that is asked for, else by the first one there is. Throws `FfiUnavailable`. */
export function openProcess(bridge?: Bridge): ForeignLibrary {
  const failures: string[] = [];
  for (const candidate of bridge === undefined ? bridges : [bridge]) {
    try {
      return candidate === 'koffi' ? openByKoffi() : openByNode();
    } catch (error) {
      failures.push(`${candidate}: ${reasonOf(candidate, error)}`);
    }
  }
  throw new FfiUnavailable(`no way to call libcrypto. ${failures.join('. ')}`);
}

/** koffi first: a call costs 0.15 µs, by node:ffi of Node 26.10 0.8, and it warns of itself. */
const bridges: readonly Bridge[] = ['koffi', 'node:ffi'];

function reasonOf(bridge: Bridge, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ERR_UNKNOWN_BUILTIN_MODULE':
    case 'ERR_MODULE_NOT_FOUND':
    case 'MODULE_NOT_FOUND':
      return bridge === 'koffi'
        ? 'not installed (npm install koffi)'
        : 'not in this Node (26.9 and later have it)';
    case 'ERR_ACCESS_DENIED':
      return 'the permission model forbids it (--allow-ffi)';
    case 'ERR_DLOPEN_DISABLED':
      return 'the permission model forbids it (--allow-addons)';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

/** The part of koffi 3 that is used. */
interface Koffi {
  load(path: null): KoffiLibrary;
  address(bytes: Uint8Array): bigint | number;
}
interface KoffiLibrary {
  func(name: string, result: string, args: readonly string[]): ForeignFunction;
}

const koffiTypes: Readonly<Record<CType, string>> = {
  address: 'uintptr_t',
  int: 'int',
  size: 'size_t',
  long: 'int64_t',
  void: 'void',
};

function openByKoffi(): ForeignLibrary {
  const koffi: Koffi = require('koffi');
  const library = koffi.load(null);
  return {
    bridge: 'koffi',
    bind: (name, result, args) =>
      library.func(
        name,
        koffiTypes[result],
        args.map((type) => koffiTypes[type]),
      ),
    address: (bytes) => {
      // A number would pass for an address.
      if (!ArrayBuffer.isView(bytes)) throw new TypeError('bytes expected');
      return Number(koffi.address(bytes));
    },
  };
}

/** The part of node:ffi that is used. */
interface NodeFfi {
  readonly DynamicLibrary: new (path: null) => NodeLibrary;
  getRawPointer(buffer: ArrayBufferLike): bigint;
}
interface NodeLibrary {
  getFunction(
    name: string,
    signature: { readonly return: string; readonly arguments: readonly string[] },
  ): WideFunction;
}
/** 64-bit numbers are BigInts both ways. */
type WideFunction = (...args: (number | bigint)[]) => number | bigint;

const nodeTypes: Readonly<Record<CType, string>> = {
  address: 'uint64',
  int: 'int32',
  size: 'uint64',
  long: 'int64',
  void: 'void',
};

function openByNode(): ForeignLibrary {
  const ffi: NodeFfi = require('node:ffi');
  const library = new ffi.DynamicLibrary(null);
  return {
    bridge: 'node:ffi',
    bind: (name, result, args) =>
      narrow(
        library.getFunction(name, {
          return: nodeTypes[result],
          arguments: args.map((type) => nodeTypes[type]),
        }),
        args.map((type) => type !== 'int'),
      ),
    address: (bytes) => {
      if (!ArrayBuffer.isView(bytes)) throw new TypeError('bytes expected');
      return Number(ffi.getRawPointer(bytes.buffer)) + bytes.byteOffset;
    },
  };
}

/** Numbers in place of BigInts. Spelt out by length: to spread arguments costs more than the call. */
function narrow(call: WideFunction, wide: readonly boolean[]): ForeignFunction {
  const at = (index: number): ((value: number) => number | bigint) => (wide[index] === true ? BigInt : same);
  const [t0, t1, t2, t3, t4, t5, t6] = [at(0), at(1), at(2), at(3), at(4), at(5), at(6)] as const;
  switch (wide.length) {
    case 0:
      return () => Number(call());
    case 1:
      return (a) => Number(call(t0(a)));
    case 2:
      return (a, b) => Number(call(t0(a), t1(b)));
    case 3:
      return (a, b, c) => Number(call(t0(a), t1(b), t2(c)));
    case 4:
      return (a, b, c, d) => Number(call(t0(a), t1(b), t2(c), t3(d)));
    case 5:
      return (a, b, c, d, e) => Number(call(t0(a), t1(b), t2(c), t3(d), t4(e)));
    case 6:
      return (a, b, c, d, e, f) => Number(call(t0(a), t1(b), t2(c), t3(d), t4(e), t5(f)));
    case 7:
      return (a, b, c, d, e, f, g) => Number(call(t0(a), t1(b), t2(c), t3(d), t4(e), t5(f), t6(g)));
    default:
      throw new RangeError('more than seven arguments');
  }
}

function same(value: number): number {
  return value;
}
