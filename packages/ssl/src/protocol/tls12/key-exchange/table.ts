/** The key exchanges of the suites (RFC 5246 appendix A.5, RFC 4279, RFC 5054, RFC 5489, RFC 8422), a row each. */
import type { KeyExchange as KeyExchangeName } from '../../../values/registry/suites.js';
import { dhe } from './dhe.js';
import { ecdhe } from './ecdhe.js';
import type { Agreement, KeyExchange } from './key-exchange.js';
import { rsa } from './rsa.js';
import { srp } from './srp.js';
import { staticEcdh } from './static-ecdh.js';

function row(
  certificate: KeyExchange['certificate'],
  agreement: Agreement | undefined,
  { signed = false, psk = false }: { readonly signed?: boolean; readonly psk?: boolean } = {},
): KeyExchange {
  return Object.freeze({ certificate, agreement, signed, psk });
}

const signed = { signed: true } as const;
const psk = { psk: true } as const;

/** `undefined`: of no suite that is built. */
export const keyExchanges: Readonly<Record<KeyExchangeName, KeyExchange | undefined>> = {
  ecdhe_ecdsa: row('ecdsa', ecdhe, signed),
  ecdhe_rsa: row('rsa', ecdhe, signed),
  ecdhe_psk: row(undefined, ecdhe, psk),
  ecdh_ecdsa: row('ecdh', staticEcdh),
  ecdh_rsa: row('ecdh', staticEcdh),
  ecdh_anon: row(undefined, ecdhe),
  dhe_rsa: row('rsa', dhe, signed),
  dhe_dss: row('dss', dhe, signed),
  dhe_psk: row(undefined, dhe, psk),
  dh_anon: row(undefined, dhe),
  rsa: row('rsa_cipher', rsa),
  rsa_psk: row('rsa_cipher', rsa, psk),
  psk: row(undefined, undefined, psk),
  srp_rsa: row('rsa', srp, signed),
  srp_dss: row('dss', srp, signed),
  srp_anon: row(undefined, srp),
  // Certificates with keys of finite-field Diffie-Hellman: nobody has any, and OTP knows them by name only.
  dh_rsa: undefined,
  dh_dss: undefined,
  // TLS 1.3
  any: undefined,
};
