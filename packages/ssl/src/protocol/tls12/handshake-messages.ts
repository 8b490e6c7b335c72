/**
 * The messages of a TLS 1.2 handshake so far. Their hash enters Finished and the extended master secret; a
 * CertificateVerify signs the messages themselves, with whatever hash its scheme names (RFC 5246 §7.4.8), so they are
 * kept until nobody can sign them any more.
 */
import { concat } from '../../values/wire/join.js';
import { Transcript, type TranscriptHash } from '../transcript.js';

export class HandshakeMessages {
  private readonly transcript: Transcript<TranscriptHash>;
  private kept: Uint8Array[] | undefined = [];

  /** `hash`: as the version has it, of the suite's PRF or two older ones. */
  constructor(hash: TranscriptHash) {
    this.transcript = new Transcript(hash);
  }

  /** Adds a whole message, header included; it must stay as it is. */
  add(message: Uint8Array): void {
    this.transcript.add(message);
    this.kept?.push(message);
  }

  /** The hash of everything added. */
  digest(): Uint8Array {
    return this.transcript.digest();
  }

  /** Everything added, one behind another, for a CertificateVerify. Throws `TypeError` after `forget`. */
  bytes(): Uint8Array {
    if (this.kept === undefined) throw new TypeError('the messages are gone');
    return concat(this.kept);
  }

  /** Nobody signs or checks a CertificateVerify any more. */
  forget(): void {
    this.kept = undefined;
  }
}
