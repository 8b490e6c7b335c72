/** pre_shared_key and psk_key_exchange_modes, RFC 8446 §4.2.11, §4.2.9. What they mean is in `tls13/psk.ts`. */
import {
  type Codec,
  list8,
  list16,
  opaque8,
  opaque16,
  struct,
  uint8,
  uint16,
  uint32,
} from '../../values/wire/codec.js';
import { type Field, field } from './field.js';

export interface PskIdentity {
  readonly identity: Uint8Array;
  readonly obfuscatedTicketAge: number;
}

export interface OfferedPsks {
  readonly identities: readonly PskIdentity[];
  readonly binders: readonly Uint8Array[];
}

const offeredPsks: Codec<OfferedPsks> = struct<OfferedPsks>({
  identities: list16(
    struct<PskIdentity>({ identity: opaque16(1, 65535), obfuscatedTicketAge: uint32 }),
    7,
    65535,
  ),
  binders: list16(opaque8(32, 255), 33, 65535),
});

const code = 41;
export const preSharedKeyOffer: Field<'preSharedKey', OfferedPsks> = field(code, 'preSharedKey', offeredPsks);
/** Index of the identity chosen. */
export const preSharedKeySelection: Field<'preSharedKey', number> = field(code, 'preSharedKey', uint16);

/** 0 psk_ke, 1 psk_dhe_ke */
export const pskKeyExchangeModes: Field<'pskKeyExchangeModes', readonly number[]> = field(
  45,
  'pskKeyExchangeModes',
  list8(uint8, 1, 255),
);
