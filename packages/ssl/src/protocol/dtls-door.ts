/**
 * The server's door for strangers over datagrams (RFC 6347 §4.2.1): who sends a ClientHello is sent a cookie, and is let in
 * when it brings the cookie back, which shows that it is where it says. Nothing is kept of anybody before, and nothing
 * answered that is longer than what was asked.
 */
import type { CryptoEngine } from '../values/crypto/engine.js';
import { decodeAll, encodeAll } from '../values/wire/codec.js';
import { concat } from '../values/wire/join.js';
import { datagramHeaderLength } from '../values/wire/message-table.js';
import { type ClientHello, dtlsClientHello } from '../values/wire/messages/client-hello.js';
import { helloVerifyRequest, helloVerifyRequestCode } from '../values/wire/messages/hello-verify-request.js';
import { DecodeError } from '../values/wire/reader.js';
import { tls12Messages } from '../values/wire/tls12-messages.js';
import { CookieSecrets } from './cookie-secrets.js';
import { HANDSHAKE } from './record/content-type.js';
import {
  DTLS_HEADER_LENGTH,
  DTLS_MAJOR,
  putDatagramHeader,
  putDtlsHeader,
  sequenceIn,
} from './record/dtls-layout.js';
import { fragmentAt } from './record/fragments.js';

const cookieLength = 22;
/** §4.2.1: the version of a HelloVerifyRequest says nothing about the one to come. */
const dtls10 = 0xfeff;

/** A hello that stands whole in its datagram, as all must that are answered without keeping anything. */
export interface StrangersHello {
  readonly body: ClientHello;
  /** Of its record, and its message_seq: the answer bears both. */
  readonly sequence: number;
  readonly number: number;
  /** The whole message. */
  readonly message: Uint8Array;
}

/** What comes of a datagram that no connection is for. */
export type DoorAnswer =
  | { readonly kind: 'drop' }
  /** The cookie to send. */
  | { readonly kind: 'ask'; readonly reply: Uint8Array }
  /** It brought its cookie, so many ms after it was sent: the datagram is the first of a connection. */
  | { readonly kind: 'admit'; readonly roundTrip: number }
  /** It brought none, and may be let in for its early data; else this. */
  | { readonly kind: 'trust'; readonly otherwise: Exclude<DoorAnswer, { readonly kind: 'trust' }> };

const noCookie: Uint8Array = new Uint8Array(0);
const drop: DoorAnswer = { kind: 'drop' };

export class DtlsDoor {
  private readonly secrets: CookieSecrets;

  /** `now`: ms of a clock that only goes forwards. */
  constructor(engine: CryptoEngine, now: () => number) {
    this.secrets = new CookieSecrets(engine, now, cookieLength);
  }

  /** `address`: of the sender, port included, in one spelling. */
  answer(hello: StrangersHello | undefined, address: string): DoorAnswer {
    if (hello === undefined) return drop;
    const { secrets } = this;
    secrets.renew();
    const asked = parametersOf(hello, address);
    const { cookie = noCookie } = hello.body;
    if (cookie.length > 0 && secrets.knows(cookie, asked))
      return { kind: 'admit', roundTrip: secrets.ageOf(cookie) };
    return { kind: 'ask', reply: verifyRequest(hello, secrets.mac(asked)) };
  }
}

/** All that must stay the same in the second hello, and who asks. */
function parametersOf({ body }: StrangersHello, address: string): Uint8Array {
  const { extensions: _any, ...fields } = body;
  const parameters = encodeAll(dtlsClientHello, { ...fields, cookie: noCookie, extensions: [] });
  return concat([new TextEncoder().encode(`${address}\0`), parameters]);
}

/** Whether a datagram begins with what may be a hello without keys. */
export function mayBeHello(datagram: Uint8Array): boolean {
  return (
    datagram[0] === HANDSHAKE &&
    datagram[1] === DTLS_MAJOR &&
    datagram[3] === 0 &&
    datagram[4] === 0 &&
    datagram[DTLS_HEADER_LENGTH] === tls12Messages.code('client_hello')
  );
}

/** The hello that a datagram begins with. */
export function helloIn(datagram: Uint8Array): StrangersHello | undefined {
  if (!mayBeHello(datagram)) return undefined;
  const end = DTLS_HEADER_LENGTH + (((datagram[11] ?? 0) << 8) | (datagram[12] ?? 0));
  if (end > datagram.length) return undefined;
  const first = fragmentAt(datagram.subarray(0, end), DTLS_HEADER_LENGTH);
  if (first === undefined || first.bytes.length !== first.length) return undefined;
  try {
    const body = decodeAll(dtlsClientHello, first.bytes);
    const message = datagram.subarray(
      DTLS_HEADER_LENGTH,
      DTLS_HEADER_LENGTH + datagramHeaderLength + first.length,
    );
    return { body, sequence: sequenceIn(datagram, 0), number: first.number, message };
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

/** It bears the numbers of the hello, so that none of ours comes twice. */
function verifyRequest({ sequence, number }: StrangersHello, cookie: Uint8Array): Uint8Array {
  const body = encodeAll(helloVerifyRequest, { serverVersion: dtls10, cookie });
  const length = body.length;
  const record = new Uint8Array(DTLS_HEADER_LENGTH + datagramHeaderLength + length);
  putDtlsHeader(record, HANDSHAKE, dtls10, 0, sequence, datagramHeaderLength + length);
  putDatagramHeader(record, DTLS_HEADER_LENGTH, helloVerifyRequestCode, number, length);
  record.set(body, DTLS_HEADER_LENGTH + datagramHeaderLength);
  return record;
}
