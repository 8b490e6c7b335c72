/** The engine through FFI, where this machine can have it; by the bridge that `ACTOR_TLS_FFI_BRIDGE` names, if it does. */
import { type FfiEngine, FfiUnavailable, ffiEngine } from '@actor-tls/ssl/ffi';

const found = find();

export const ffi: FfiEngine | undefined = found instanceof FfiUnavailable ? undefined : found;

/** Why there is none; for `describeUnless`. */
export const noFfi: string | undefined = found instanceof FfiUnavailable ? found.message : undefined;

/** For the body of a suite that runs only where there is one. */
export function presentFfi(): FfiEngine {
  if (ffi === undefined) throw new Error('no engine through FFI');
  return ffi;
}

function find(): FfiEngine | FfiUnavailable {
  try {
    const bridge = process.env['ACTOR_TLS_FFI_BRIDGE'];
    return ffiEngine(bridge === 'koffi' || bridge === 'node:ffi' ? { bridge } : {});
  } catch (error) {
    if (error instanceof FfiUnavailable) return error;
    throw error;
  }
}
