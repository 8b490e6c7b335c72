/** PKCS#12 files made to order (RFC 7292): in DER, or in the BER of NSS and Bouncy Castle. */
import { createCipheriv, createHmac, pbkdf2Sync } from 'node:crypto';
import { pkcs12Key } from '../../packages/ssl/src/values/crypto/pem-cipher.js';
import {
  encodeElement,
  encodeOid,
  encodeSmallInteger,
} from '../../packages/ssl/src/values/x509/der-writer.js';
import { noPassword, pkcs12Password } from '../../packages/ssl/src/values/x509/encrypted-key.js';

export interface Pkcs12Order {
  /** `undefined`: none at all, which is not the empty one. */
  readonly password: string | undefined;
  /** DER PrivateKeyInfo. */
  readonly privateKey: Uint8Array;
  readonly certificates: readonly Uint8Array[];
  /** Bags of other kinds, by type. */
  readonly others?: readonly (readonly [type: string, value: Uint8Array])[];
  /** `ber`: indefinite lengths, and strings in pieces of 100 bytes. */
  readonly form: 'der' | 'ber';
  readonly mac?: 'absent';
  readonly iterations?: number;
}

const salt = Buffer.from('salt of sixteen.');
const sequence = (...content: readonly Uint8Array[]): Uint8Array => encodeElement(0x30, ...content);
const octets = (content: Uint8Array): Uint8Array => encodeElement(0x04, content);

/** The parts of a file: the whole, and what its layers of strings hold. */
export interface MadePkcs12 {
  readonly file: Uint8Array;
  readonly safe: Uint8Array;
  readonly bags: Uint8Array;
  readonly certificateBag: Uint8Array;
}

/** The key bag in the clear, the certificates encrypted with AES-256, as browsers have it the other way round. */
export function makePkcs12(order: Pkcs12Order): MadePkcs12 {
  const shell = order.form === 'ber' ? indefinite : encodeElement;
  const inPieces = (tag: number, content: Uint8Array): Uint8Array =>
    order.form === 'der' ? encodeElement(tag, content) : indefinite(tag | 0x20, ...pieces(content));
  const data = (content: Uint8Array): Uint8Array =>
    shell(0x30, encodeOid('1.2.840.113549.1.7.1'), shell(0xa0, inPieces(0x04, content)));
  const bag = (type: string, value: Uint8Array): Uint8Array =>
    shell(0x30, encodeOid(type), shell(0xa0, value));
  const certificateBag = (der: Uint8Array): Uint8Array =>
    sequence(encodeOid('1.2.840.113549.1.9.22.1'), encodeElement(0xa0, octets(der)));
  const [first = new Uint8Array()] = order.certificates.map(certificateBag);
  const bags = shell(
    0x30,
    ...order.certificates.map((der) => bag('1.2.840.113549.1.12.10.1.3', certificateBag(der))),
    ...(order.others ?? []).map(([type, value]) => bag(type, value)),
  );
  const { algorithm, encrypted } = encrypt(bags, order.password ?? '');
  const secret = shell(
    0x30,
    encodeOid('1.2.840.113549.1.7.6'),
    shell(
      0xa0,
      shell(
        0x30,
        encodeSmallInteger(0),
        shell(0x30, encodeOid('1.2.840.113549.1.7.1'), algorithm, inPieces(0x80, encrypted)),
      ),
    ),
  );
  const safe = shell(0x30, data(shell(0x30, bag('1.2.840.113549.1.12.10.1.1', order.privateKey))), secret);
  const mac = order.mac === 'absent' ? [] : [macOf(safe, order)];
  return { file: shell(0x30, encodeSmallInteger(3), data(safe), ...mac), safe, bags, certificateBag: first };
}

function macOf(safe: Uint8Array, { iterations = 2, password }: Pkcs12Order): Uint8Array {
  const wide = password === undefined ? noPassword : pkcs12Password(Buffer.from(password));
  const key = pkcs12Key('sha256', wide, salt, Math.min(iterations, 2), 3, 32);
  const digest = createHmac('sha256', key).update(safe).digest();
  return sequence(
    sequence(sequence(encodeOid('2.16.840.1.101.3.4.2.1')), octets(digest)),
    octets(salt),
    encodeSmallInteger(iterations),
  );
}

function encrypt(plain: Uint8Array, password: string): { algorithm: Uint8Array; encrypted: Uint8Array } {
  const iv = Buffer.from('sixteen for CBC.');
  const cipher = createCipheriv('aes-256-cbc', pbkdf2Sync(password, salt, 2, 32, 'sha256'), iv);
  const hmac = sequence(encodeOid('1.2.840.113549.2.9'));
  const kdf = sequence(
    encodeOid('1.2.840.113549.1.5.12'),
    sequence(octets(salt), encodeSmallInteger(2), hmac),
  );
  const scheme = sequence(encodeOid('2.16.840.1.101.3.4.1.42'), octets(iv));
  return {
    algorithm: sequence(encodeOid('1.2.840.113549.1.5.13'), sequence(kdf, scheme)),
    encrypted: Buffer.concat([cipher.update(plain), cipher.final()]),
  };
}

function indefinite(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([Uint8Array.of(tag, 0x80), ...content, Uint8Array.of(0, 0)]);
}

function pieces(content: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = 0; at < content.length; at += 100) found.push(octets(content.subarray(at, at + 100)));
  return found;
}

/** A key bag encrypted with triple DES by PKCS#12's own scheme, without any password. */
export function shroudWithoutPassword(privateKey: Uint8Array): readonly [type: string, value: Uint8Array] {
  const derive = (id: 1 | 2, length: number): Uint8Array =>
    pkcs12Key('sha1', noPassword, salt, 2, id, length);
  const cipher = createCipheriv('des-ede3-cbc', derive(1, 24), derive(2, 8));
  const encrypted = Buffer.concat([cipher.update(privateKey), cipher.final()]);
  const scheme = sequence(
    encodeOid('1.2.840.113549.1.12.1.3'),
    sequence(octets(salt), encodeSmallInteger(2)),
  );
  return ['1.2.840.113549.1.12.10.1.2', sequence(scheme, octets(encrypted))];
}
