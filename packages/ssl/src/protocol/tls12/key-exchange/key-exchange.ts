/**
 * What a key exchange is to the machines of TLS 1.2 and before (RFC 5246 §7.4.3, §7.4.7), so that they ask nobody which one it
 * is. The sixteen of the suites are put together in `table.ts` from a few agreements, a file each, a certificate that may
 * sign them, and a key that both had before (RFC 4279).
 */

import type { DhParams } from '../../../values/crypto/dh-parameter.js';
import type { CryptoEngine, DhGroup, GroupName, PublicKey } from '../../../values/crypto/engine.js';
import type { Authentication } from '../../../values/registry/suites.js';
import type { Secret } from '../../../values/secret.js';
import type { Reader } from '../../../values/wire/reader.js';
import type { OwnIdentity } from '../../own-identity.js';
import type { Dependencies } from '../../settings.js';
import type { SrpCredentials, SrpIdentity } from './srp.js';

export interface KeyExchange {
  /** The kind of key in the server's certificate; `undefined`: it shows none. */
  readonly certificate: Authentication | undefined;
  /** Whether that key signs what ServerKeyExchange says. */
  readonly signed: boolean;
  /** What is agreed on in the handshake; `undefined`: nothing but the key that both had before. */
  readonly agreement: Agreement | undefined;
  /** Whether a key that both had before goes into the secret (RFC 4279). */
  readonly psk: boolean;
}

/** How a premaster secret comes about. */
export interface Agreement {
  /** Whether the server says its part in a ServerKeyExchange. */
  readonly announced: boolean;
  /** What a server must know of a client before it can say its part: the user of SRP, named in the hello. */
  readonly user: 'none' | 'srp';
  /** Whether it is on a curve that has to be chosen. */
  readonly curve: boolean;
  /** Whether an engine has what it takes. */
  isSupported(engine: CryptoEngine): boolean;
  /** A server's part. */
  serve(means: ServerMeans): ServerAgreement;
  /** A client reads the server's, if there is one. Throws `DecodeError`, `wrong_group`, `weak_dh`. */
  read(reader: Reader, means: ClientMeans): ClientAgreement;
}

/** What a server's part may be made of. */
export interface ServerMeans {
  /** The curve that was chosen. */
  readonly group: DhGroup | undefined;
  readonly identity: OwnIdentity | undefined;
  readonly dhParams: DhParams;
  readonly srp: SrpCredentials | undefined;
  /** client_version of the hello (RFC 5246 §7.4.7.1). */
  readonly clientVersion: number;
  readonly dependencies: Dependencies;
}

/** The group of an agreement; `undefined` where it has none of a name. */
interface Grouped {
  readonly group: GroupName | undefined;
}

export interface ServerAgreement extends Grouped {
  /** As ServerKeyExchange says them; empty where nothing is announced. */
  readonly params: Uint8Array;
  /** The secret, from what ClientKeyExchange says. Throws `DecodeError`, `bad_key_share`. */
  secret(reader: Reader): Secret;
}

/** What a client's part may be made of. */
export interface ClientMeans {
  /** Curves of our hello. */
  readonly offered: readonly GroupName[];
  readonly engine: CryptoEngine;
  /** The key in the server's certificate. */
  readonly peer: PublicKey | undefined;
  /** Least size of a prime of finite fields, bits. */
  readonly minKeySize: number;
  readonly srp: SrpIdentity | undefined;
  readonly clientVersion: number;
}

export interface ClientAgreement extends Grouped {
  /** Makes our part: what ClientKeyExchange says, and the secret. Throws `bad_key_share`. */
  answer(dependencies: Dependencies): { readonly keys: Uint8Array; readonly secret: Secret };
}
