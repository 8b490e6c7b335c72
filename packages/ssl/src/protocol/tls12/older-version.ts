/**
 * What TLS 1.2, 1.1 and 1.0 do differently (RFC 5246 §1.2, RFC 4346 §1.1), and DTLS 1.2 and 1.0, which are TLS 1.2 and 1.1
 * over datagrams (RFC 6347 §4.2): a row each, one dialect with five accents. The machines of TLS 1.2 hold a row and ask
 * nobody for a version.
 */
import type { CryptoEngine, HashFunction } from '../../values/crypto/engine.js';
import type { ProtocolVersion, Tls13Version } from '../../values/registry/versions.js';
import type { Codec } from '../../values/wire/codec.js';
import type { MessageTable } from '../../values/wire/message-table.js';
import {
  type DigitallySigned,
  digitallySigned,
  signedByKey,
} from '../../values/wire/messages/tls12/key-exchange.js';
import {
  dtls10Messages,
  dtls12Messages,
  type Tls12Bodies,
  tls10Messages,
  tls12Messages,
} from '../../values/wire/tls12-messages.js';
import { md5Sha1Hashing, type TranscriptHash } from '../transcript.js';
import { type Prf, tls10Prf, tls12Prf } from './prf.js';

export interface OlderVersion {
  readonly name: Exclude<ProtocolVersion, Tls13Version>;
  /** ProtocolVersion on the wire. */
  readonly code: number;
  /** Whether signatures say which scheme they are of (RFC 5246 §4.7), or the key alone decides (RFC 4346 §4.7). */
  readonly signatures: 'named' | 'by_key';
  readonly messages: MessageTable<Tls12Bodies>;
  readonly digitallySigned: Codec<DigitallySigned>;
  /** Whether records under block ciphers bring IVs of their own (RFC 4346 §6.2.3.2). */
  readonly explicitIv: boolean;
  /** Whether `padding_check: false` may spare the bytes of a padding (contract §2.1). */
  readonly sparesPadding: boolean;
  /** Whether records may bear connection IDs (RFC 9146). */
  readonly connectionIds: boolean;
  /** `hash`: that of the suite. */
  prf(hash: HashFunction, engine: CryptoEngine): Prf;
  /** Of the messages, for Finished and the extended master secret. */
  transcript(hash: HashFunction, engine: CryptoEngine): TranscriptHash;
}

const before12 = {
  signatures: 'by_key',
  messages: tls10Messages,
  digitallySigned: signedByKey,
  prf: (_hash, engine) => tls10Prf(hashOf(engine, 'md5'), hashOf(engine, 'sha')),
  transcript: (_hash, engine) => md5Sha1Hashing(hashOf(engine, 'md5'), hashOf(engine, 'sha')),
} satisfies Partial<OlderVersion>;

const tls12: OlderVersion = {
  name: 'tlsv1.2',
  code: 0x0303,
  signatures: 'named',
  messages: tls12Messages,
  digitallySigned,
  explicitIv: true,
  sparesPadding: false,
  connectionIds: false,
  prf: (hash) => tls12Prf(hash),
  transcript: (hash) => hash,
};
const tls11: OlderVersion = {
  ...before12,
  name: 'tlsv1.1',
  code: 0x0302,
  explicitIv: true,
  sparesPadding: false,
  connectionIds: false,
};

const rows: Readonly<Record<OlderVersion['name'], OlderVersion>> = {
  'tlsv1.2': tls12,
  'tlsv1.1': tls11,
  tlsv1: {
    ...before12,
    name: 'tlsv1',
    code: 0x0301,
    explicitIv: false,
    sparesPadding: true,
    connectionIds: false,
  },
  'dtlsv1.2': { ...tls12, name: 'dtlsv1.2', code: 0xfefd, messages: dtls12Messages, connectionIds: true },
  dtlsv1: { ...tls11, name: 'dtlsv1', code: 0xfeff, messages: dtls10Messages },
};

export function olderVersion(name: OlderVersion['name']): OlderVersion {
  return rows[name];
}

function hashOf(engine: CryptoEngine, name: 'md5' | 'sha'): HashFunction {
  const hash = engine.hash(name);
  if (hash === undefined) throw new TypeError(`TLS 1.1 and 1.0 need ${name}`);
  return hash;
}
