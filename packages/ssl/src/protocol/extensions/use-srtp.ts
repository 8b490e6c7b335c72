/** use_srtp, RFC 5764 §4.1.1: media are protected by SRTP, with keys that both sides export. DTLS only. */
import type { AgreedSrtp, SrtpTerms } from '../../values/srtp.js';
import { type Codec, fixed, list16, opaque8, struct } from '../../values/wire/codec.js';
import { sameBytes } from '../../values/wire/same-bytes.js';
import { AlertError } from '../reasons.js';
import { type Field, field } from './field.js';

const code = 14;
const useSrtpData: Codec<SrtpTerms> = struct<SrtpTerms>({
  protectionProfiles: list16(fixed(2), 2, 0xffff),
  mki: opaque8(0, 255),
});
const none: Uint8Array = new Uint8Array(0);

/** In both hellos. */
export const useSrtp: Field<'useSrtp', SrtpTerms> = field(code, 'useSrtp', useSrtpData);

/** The server's choice, in its own order; without a profile in common there is no SRTP and no failure (§4.1.2). */
export function selectSrtp(
  offered: SrtpTerms | undefined,
  own: SrtpTerms | undefined,
): AgreedSrtp | undefined {
  if (offered === undefined || own === undefined) return undefined;
  const protectionProfile = own.protectionProfiles.find((profile) => has(offered, profile));
  if (protectionProfile === undefined) return undefined;
  // §4.1.3: the client's identifier is taken by saying it too.
  const mki = sameBytes(offered.mki, own.mki) ? own.mki : none;
  return { protectionProfile: Uint8Array.from(protectionProfile), mki: Uint8Array.from(mki) };
}

/** The client's check of the server's choice (§4.1.2, §4.1.3). Throws `wrong_use_srtp`. */
export function acceptSrtp(
  selected: SrtpTerms | undefined,
  offered: SrtpTerms | undefined,
): AgreedSrtp | undefined {
  if (selected === undefined) return undefined;
  const [protectionProfile, ...others] = selected.protectionProfiles;
  if (offered === undefined || protectionProfile === undefined || others.length > 0)
    throw new AlertError('wrong_use_srtp');
  const { mki } = selected;
  if (!has(offered, protectionProfile) || (mki.length > 0 && !sameBytes(mki, offered.mki)))
    throw new AlertError('wrong_use_srtp');
  return { protectionProfile: Uint8Array.from(protectionProfile), mki: Uint8Array.from(mki) };
}

/** As a hello says it. */
export function srtpAnswer({ protectionProfile, mki }: AgreedSrtp): SrtpTerms {
  return { protectionProfiles: [protectionProfile], mki };
}

function has({ protectionProfiles }: SrtpTerms, profile: Uint8Array): boolean {
  return protectionProfiles.some((other) => sameBytes(other, profile));
}
