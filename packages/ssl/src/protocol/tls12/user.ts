/** Whom a key is of that both sides had before (RFC 4279, RFC 5054), asked outside: the user's `user_lookup_fun`. */
import type { Secret } from '../../values/secret.js';
import { type Authentication, unauthenticated } from '../authentication.js';
import type { SrpCredentials } from './key-exchange/srp.js';

/** Whose key is wanted; names are bytes of whoever sent them. */
export type UserWish =
  /** A server: of the client's identity. A client: of its own, for a server that hints at this. */
  | { readonly kind: 'psk'; readonly identity: Uint8Array | undefined; readonly hint: Uint8Array | undefined }
  /** A server: of the user in the client's hello. */
  | { readonly kind: 'srp'; readonly username: Uint8Array };

/** What was found. Both get what is like it for an unknown user, so that nobody learns who is known (RFC 5054 §2.5.1.3). */
export type FoundUser =
  | { readonly kind: 'psk'; readonly identity: Uint8Array; readonly key: Secret }
  | { readonly kind: 'srp'; readonly credentials: SrpCredentials };

/** Who a handshake was with, by the name that was proved. */
export interface ProvedUser {
  readonly kind: 'psk' | 'srp';
  readonly name: Uint8Array;
}

/** Who proves to have a key that both had before; without one nobody has proved anything. */
export function provedBy(user: ProvedUser | undefined): Authentication {
  return user === undefined ? unauthenticated : { kind: 'psk', origin: 'external', chain: [] };
}
