/**
 * BoGo's certificates come from nobody we know and are judged by flags. What holds whoever issued them is for our own
 * judge to say: whether the key may do what it does, and whether it can be read at all.
 */
import { createTrustStore, defaultEngine as engine, type Verdict, verifyPeer } from '@actor-tls/ssl/core';
import type { Flags } from './bogo-flags.js';

export function verdictOf(chain: readonly Uint8Array[], use: KeyUse, flags: Flags): Verdict {
  // Who does not ask for a judgement does not hear this one.
  if (flags.has('verify-fail') && asksPeer(flags)) {
    // BoringSSL's two ways of asking end in two alerts.
    const alert = flags.has('use-custom-verify-callback') ? 'certificate_unknown' : 'handshake_failure';
    return { reject: { alert, detail: 'as told' } };
  }
  const verdict = verifyPeer({
    chain,
    keyUse: use,
    trust: createTrustStore([]),
    engine,
    role: flags.has('server') ? 'server' : 'client',
    verify: 'verify_peer',
    host: undefined,
    depth: 10,
    now: Date.now(),
    signatureAlgs: undefined,
    verifyFun: { fun: (_certificate, event) => ownRule(event), state: undefined },
  });
  if (verdict instanceof Promise) throw new Error('nothing here is asynchronous');
  return 'ok' in verdict ? verdict : { reject: inBogosWords(verdict.reject) };
}

/** Whether the peer has to prove who it is. */
export function asksPeer(flags: Flags): boolean {
  return flags.has('verify-peer') || flags.has('require-any-client-certificate');
}

type KeyUse = NonNullable<Parameters<typeof verifyPeer>[0]['keyUse']>;
type VerifyFun = NonNullable<Parameters<typeof verifyPeer>[0]['verifyFun']>['fun'];

/** RFC 8446 §4.4.2.2, RFC 5246 §7.4.2 hold for every certificate that is shown. */
function ownRule(event: Parameters<VerifyFun>[1]): ReturnType<VerifyFun> {
  const wrongUsage =
    typeof event === 'object' && 'bad_cert' in event && event.bad_cert === 'invalid_key_usage';
  return wrongUsage ? { fail: event.bad_cert } : { valid: undefined };
}

type Rejection = Extract<Verdict, { readonly reject: unknown }>['reject'];

/** What BoringSSL calls a certificate that was refused, and the alert of one that is none. */
function inBogosWords({ alert, detail }: Rejection): Rejection {
  if (typeof detail !== 'object' || detail === null) return { alert, detail };
  if ('failed_to_decode_certificate' in detail)
    return { alert: 'decode_error', detail: ':CANNOT_PARSE_LEAF_CERT:' };
  const wrongUsage = 'bad_cert' in detail && detail.bad_cert === 'invalid_key_usage';
  return { alert, detail: wrongUsage ? ':KEY_USAGE_BIT_INCORRECT:' : detail };
}
