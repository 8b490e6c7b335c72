/**
 * What a key exchange is to the machines of TLS 1.2 (RFC 5246 §7.4.3, §7.4.7), so that they ask nobody which one it is.
 * Each is one file beside this one; the suite has the one that it names.
 */
import type { CryptoEngine, DhGroup, GroupName } from '../../../values/crypto/engine.js';
import type { Secret } from '../../../values/secret.js';
import type { Codec } from '../../../values/wire/codec.js';
import type { DigitallySigned } from '../../../values/wire/messages/tls12/key-exchange.js';
import type { Dependencies } from '../../settings.js';

/** The group of an exchange; `undefined` where there is none (RSA, PSK). */
interface Grouped {
  readonly group: GroupName | undefined;
}

/** A server's part of one handshake. */
export interface ServerExchange extends Grouped {
  /** The parameters as ServerKeyExchange says them, what its signature is about. */
  readonly params: Uint8Array;
  /** The premaster secret, from the body of ClientKeyExchange. Throws `DecodeError`, `bad_key_share`. */
  premaster(exchangeKeys: Uint8Array): Secret;
}

/** A client's part, once ServerKeyExchange has been read. */
export interface ClientExchange extends Grouped {
  /** Makes our keys: the body of ClientKeyExchange, and the premaster secret. Throws `bad_key_share`. */
  answer(dependencies: Dependencies): { readonly exchangeKeys: Uint8Array; readonly premaster: Secret };
}

/** What a ServerKeyExchange says. */
export interface ReadServerExchange {
  readonly exchange: ClientExchange;
  /** As they came: what the signature is about. */
  readonly params: Uint8Array;
  readonly signed: DigitallySigned;
}

/** What reading a ServerKeyExchange takes. */
export interface Reading {
  readonly offered: readonly GroupName[];
  readonly engine: CryptoEngine;
  readonly digitallySigned: Codec<DigitallySigned>;
}

export interface KeyExchange {
  /** A server's part. `group`: the one that was chosen. */
  serve(group: DhGroup, dependencies: Dependencies): ServerExchange;
  /** A client reads the body of a ServerKeyExchange. Throws `DecodeError`, `wrong_group`. */
  read(exchangeKeys: Uint8Array, reading: Reading): ReadServerExchange;
}
