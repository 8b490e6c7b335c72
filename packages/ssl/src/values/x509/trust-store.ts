/**
 * Trusted certificates, built once per content and shared (contract §12): parsed, and found by subject.
 *
 * As in OTP the list may hold intermediates too: they complete a peer's chain, but only a self-issued one ends it
 * (`partial_chain` may decide otherwise).
 */
import { Certificate, CertificateError, sameBytes } from './certificate.js';
import { Generations } from './generations.js';
import type { Name } from './name.js';

/** An entry that was left out because it is no certificate; OTP logs a notice. */
export interface SkippedEntry {
  readonly index: number;
  readonly error: CertificateError;
}

export class TrustStore {
  readonly certificates: readonly Certificate[];
  readonly skipped: readonly SkippedEntry[];
  readonly #bySubject: Map<string, Certificate[]> = new Map();

  constructor(certificates: readonly Certificate[], skipped: readonly SkippedEntry[]) {
    this.certificates = certificates;
    this.skipped = skipped;
    for (const certificate of certificates) {
      const { key } = certificate.subject;
      const same = this.#bySubject.get(key);
      if (same === undefined) this.#bySubject.set(key, [certificate]);
      else same.push(certificate);
    }
  }

  /** Trusted certificates with that subject. */
  withSubject(name: Name): readonly Certificate[] {
    return this.#bySubject.get(name.key) ?? [];
  }

  /** The trusted certificate with these very bytes. */
  find(certificate: Certificate): Certificate | undefined {
    return this.withSubject(certificate.subject).find(
      (trusted) => trusted === certificate || sameBytes(trusted.der, certificate.der),
    );
  }

  /** Subjects, DER, for `certificate_authorities`. */
  subjects(): readonly Uint8Array[] {
    return this.certificates.map((certificate) => certificate.subject.raw);
  }
}

const byList = new WeakMap<readonly Uint8Array[], TrustStore>();
const byContent = new Generations<string, TrustStore>(16);

/** A store of DER certificates; the same content gives the same store. Undecodable entries are skipped. */
export function createTrustStore(ders: readonly Uint8Array[]): TrustStore {
  const known = byList.get(ders);
  if (known !== undefined && sameContent(known, ders)) return known;
  const key = ders.map(fingerprint).join(',');
  const alike = byContent.get(key);
  const store = alike !== undefined && sameContent(alike, ders) ? alike : build(ders);
  byContent.set(key, store);
  byList.set(ders, store);
  return store;
}

function build(ders: readonly Uint8Array[]): TrustStore {
  const certificates: Certificate[] = [];
  const skipped: SkippedEntry[] = [];
  const copies = ders.map((der) => new Uint8Array(der));
  for (const [index, der] of copies.entries()) {
    try {
      const certificate = new Certificate(der);
      // Names are decoded now, so that a bad one is skipped here and not met in a handshake.
      certificate.subject.key;
      certificate.issuer.key;
      certificates.push(certificate);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const wrapped =
        error instanceof CertificateError ? error : new CertificateError(error.message, { cause: error });
      skipped.push({ index, error: wrapped });
    }
  }
  const store = new TrustStore(certificates, skipped);
  contentOf.set(store, copies);
  return store;
}

/** What a store was made of, skipped entries included. */
const contentOf = new WeakMap<TrustStore, readonly Uint8Array[]>();

function sameContent(store: TrustStore, ders: readonly Uint8Array[]): boolean {
  const content = contentOf.get(store);
  if (content?.length !== ders.length) return false;
  return content.every((own, i) => {
    const der = ders[i];
    return der !== undefined && sameBytes(own, der);
  });
}

function fingerprint(der: Uint8Array): string {
  let text = `${der.length}:`;
  for (let at = Math.max(0, der.length - 8); at < der.length; at++) text += String.fromCharCode(der[at] ?? 0);
  return text;
}
