/** Rows of extensions that a side may use: what is compressed, how long records are, who is named, what is kept. */
import type { CompressionAlgorithm } from '../values/registry/certificate-compression.js';
import { compressionAlgorithms } from '../values/registry/certificate-compression.js';
import { badValue, OptionError } from './option-error.js';
import { type At, asItIs, type CoreOption, flag, integer, isList, type Option, untold } from './row.js';

type MaxFragmentLength = 512 | 1024 | 2048 | 4096;

/** Which way certificates are compressed, and how (RFC 8879). */
export interface CertificateCompression {
  /** For our certificates, the preferred first. */
  readonly send: readonly CompressionAlgorithm[];
  /** For the peer's. */
  readonly receive: readonly CompressionAlgorithm[];
}

/** A list is for both ways; of an object, what is absent is as by default. */
export type CertificateCompressionWish = readonly CompressionAlgorithm[] | Partial<CertificateCompression>;

/**
 * Our own certificates go compressed to whoever can read that: it is done once for each, and costs nothing after. Nobody
 * is asked to compress his: expanding costs more than the bytes that it saves on most chains, and is work that a
 * stranger chooses before he has shown who he is. BoringSSL has no algorithm at all unless it is given one.
 */
const defaultCompression: CertificateCompression = Object.freeze({
  send: Object.freeze(['brotli', 'zlib'] as const),
  receive: Object.freeze([]),
});

export class ExtensionRows {
  /** `max_fragment_length`: 512, 1024, 2048 or 4096 bytes of content in a record, both ways; default: not asked for. */
  readonly maxFragmentLength: CoreOption<
    'client',
    MaxFragmentLength,
    MaxFragmentLength | undefined,
    undefined
  > = {
    otp: 'max_fragment_length',
    side: 'client',
    default: undefined,
    core: true,
    // What was agreed on is told.
    tell: untold,
    note: {
      values: '512, 1024, 2048, 4096; of content in a record, both ways',
      default: 'not asked for',
      unit: 'bytes',
      source: 'RFC 6066 §4',
    },
    parse: (value) =>
      ([512, 1024, 2048, 4096] as const).find((length) => length === value) ??
      badValue('maxFragmentLength', value),
  };

  /** Ours: bytes in a protected record of the peer's, in TLS 1.3 with its type and padding; 64 to 16385. */
  readonly recordSizeLimit: CoreOption<'both', number, number | undefined> = {
    otp: undefined,
    side: 'both',
    after: ['versions', 'maxFragmentLength'],
    default: undefined,
    core: true,
    tell: asItIs,
    note: {
      values: "64..16385; in a protected record of the peer's, in TLS 1.3 with its type and padding",
      default: 'a client says none; a server that is told one answers with the most there can be',
      unit: 'bytes',
      source: 'RFC 8449 §4',
    },
    parse(value, { role, settings: { maxFragmentLength } }) {
      const limit = integer('recordSizeLimit', 64, 16_385)(value);
      // RFC 8449 §5
      if (role === 'client' && maxFragmentLength !== undefined)
        throw new OptionError({
          options: ['incompatible', { maxFragmentLength }, { recordSizeLimit: limit }],
        });
      return limit;
    },
  };

  /** `certificate_authorities` (TLS 1.3): whether the peer is told which CAs we trust; default true on a server, false on a client. */
  readonly certificateAuthorities: CoreOption<'both', boolean> = {
    otp: 'certificate_authorities',
    side: 'both',
    needsVersions: ['tlsv1.3'],
    default: false,
    core: true,
    tell: asItIs,
    note: {
      values: 'boolean; whether the peer is told which CAs we trust, to choose its certificate by',
      default: 'true on a server, false on a client',
      source: 'RFC 8446 §4.2.4',
    },
    parse: flag('certificateAuthorities'),
    absent: ({ role }) => role === 'server',
  };

  /** `cookie` (TLS 1.3): whether what a retried handshake needs travels in a cookie, and is not kept; default true. */
  readonly cookie: Option<'server', boolean> = {
    otp: 'cookie',
    side: 'server',
    elsewhere: 'refused',
    needsVersions: ['tlsv1.3'],
    default: true,
    tell: asItIs,
    note: {
      values: 'boolean; nothing is kept between the hellos of a retried handshake',
      default: 'true',
      source: 'RFC 8446 §4.2.2',
    },
    parse: flag('cookie'),
  };

  /** Ours (TLS 1.3): algorithms for certificates; a list for both ways, or `{ send, receive }`. */
  readonly certificateCompression: CoreOption<'both', CertificateCompressionWish, CertificateCompression> = {
    otp: undefined,
    side: 'both',
    needsVersions: ['tlsv1.3'],
    default: defaultCompression,
    core: true,
    tell: asItIs,
    note: {
      values:
        '[zlib, brotli or zstd] for both ways, or { send, receive }; what the runtime lacks is left out',
      default: '{ send: brotli, zlib; receive: none }',
      source: 'RFC 8879 §3',
    },
    parse: compression,
  };
}

function compression(value: unknown, _at: At): CertificateCompression {
  if (isList(value)) {
    const both = algorithms(value, value);
    return { send: both, receive: both };
  }
  if (typeof value !== 'object' || value === null) return badValue('certificateCompression', value);
  const { send, receive, ...rest }: Readonly<Record<string, unknown>> = { ...value };
  if (Object.keys(rest).length > 0) return badValue('certificateCompression', value);
  return {
    send: send === undefined ? defaultCompression.send : algorithms(send, value),
    receive: receive === undefined ? defaultCompression.receive : algorithms(receive, value),
  };
}

/** Each once. */
function algorithms(list: unknown, value: unknown): readonly CompressionAlgorithm[] {
  if (!isList(list)) return badValue('certificateCompression', value);
  const known = list.map(
    (name) =>
      compressionAlgorithms.find((algorithm) => algorithm === name) ??
      badValue('certificateCompression', value),
  );
  return [...new Set(known)];
}
