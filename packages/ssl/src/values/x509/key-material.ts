/** Private keys as they are given, before they are read. */
import type { KeyAlgorithm, PrivateKey } from '../crypto/engine.js';
import type { SignatureSchemeName } from '../registry/schemes.js';

/** A private key that lives elsewhere (a token, an HSM, a cloud's KMS): OTP's engine keys. */
export interface RemoteKey {
  readonly algorithm: KeyAlgorithm;
  /**
   * Signs `data`, which is not hashed yet, by the rules of the scheme (OTP's name: `rsa_pss_rsae_sha256`, …). A
   * rejection, a throw or an answer that is no bytes ends the one connection that asked.
   */
  readonly sign: (scheme: SignatureSchemeName, data: Uint8Array) => Uint8Array | Promise<Uint8Array>;
  /** DER SubjectPublicKeyInfo: when given, the certificate must be of this key. */
  readonly spki?: Uint8Array | undefined;
}

/** The `key` option: OTP's `{Type, Der}`, or forms a Node user has at hand. */
export type KeyMaterial =
  | {
      readonly type: 'der';
      readonly format: 'RSAPrivateKey' | 'DSAPrivateKey' | 'ECPrivateKey' | 'PrivateKeyInfo';
      readonly der: Uint8Array;
    }
  | { readonly type: 'pem'; readonly pem: string }
  /** PKCS#12: the certificates come along, unless `cert` or `certfile` is given. */
  | { readonly type: 'pfx'; readonly der: Uint8Array }
  | { readonly type: 'remote'; readonly key: RemoteKey }
  | { readonly type: 'private_key'; readonly key: PrivateKey };
