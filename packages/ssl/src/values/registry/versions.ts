/** Protocol versions by OTP's names (`ssl:versions/0`) and their numbers on the wire. */

export type TlsVersion = 'tlsv1.3' | 'tlsv1.2' | 'tlsv1.1' | 'tlsv1';
export type DtlsVersion = 'dtlsv1.3' | 'dtlsv1.2' | 'dtlsv1';
export type ProtocolVersion = TlsVersion | DtlsVersion;

/** The versions of one family: DTLS 1.3 has the handshake of TLS 1.3 (RFC 9147 §5). */
export type Tls13Version = 'tlsv1.3' | 'dtlsv1.3';

/** A version as options, suites and hellos need it. */
export interface VersionRow {
  readonly name: ProtocolVersion;
  /** Two bytes on the wire. DTLS counts downwards (RFC 6347 §4.1). */
  readonly code: number;
  readonly protocol: 'tls' | 'dtls';
  /** The TLS version a DTLS version is made from; itself for TLS. */
  readonly tls: TlsVersion;
  /** Whether curves are listed by `ssl:eccs/1`; TLS 1.3 has groups instead. */
  readonly curves: boolean;
  /** Whether this library can speak it; a version that is known and not built gives `insufficient_crypto_support`. */
  readonly built: boolean;
}

/** Newest first within each protocol. */
export const versionRows: readonly VersionRow[] = [
  { name: 'tlsv1.3', code: 0x0304, protocol: 'tls', tls: 'tlsv1.3', curves: false, built: true },
  { name: 'tlsv1.2', code: 0x0303, protocol: 'tls', tls: 'tlsv1.2', curves: true, built: true },
  { name: 'tlsv1.1', code: 0x0302, protocol: 'tls', tls: 'tlsv1.1', curves: true, built: true },
  { name: 'tlsv1', code: 0x0301, protocol: 'tls', tls: 'tlsv1', curves: true, built: true },
  { name: 'dtlsv1.3', code: 0xfefc, protocol: 'dtls', tls: 'tlsv1.3', curves: false, built: true },
  { name: 'dtlsv1.2', code: 0xfefd, protocol: 'dtls', tls: 'tlsv1.2', curves: true, built: true },
  { name: 'dtlsv1', code: 0xfeff, protocol: 'dtls', tls: 'tlsv1.1', curves: true, built: true },
];

const byName: ReadonlyMap<string, VersionRow> = new Map(versionRows.map((row) => [row.name, row]));
const byCode: ReadonlyMap<number, VersionRow> = new Map(versionRows.map((row) => [row.code, row]));

/** The row of a version name; `undefined` when nobody knows the name. */
export function versionByName(name: unknown): VersionRow | undefined {
  return typeof name === 'string' ? byName.get(name) : undefined;
}

/** The row of a version number as it stands on the wire. */
export function versionByCode(code: number): VersionRow | undefined {
  return byCode.get(code);
}

/** The number of a version on the wire. */
export function versionCode(name: ProtocolVersion): number {
  const row = byName.get(name);
  if (row === undefined) throw new TypeError(`no version ${name}`);
  return row.code;
}

/** TLS 1.3 or DTLS 1.3. */
export function isTls13Version(version: ProtocolVersion): version is Tls13Version {
  return version === 'tlsv1.3' || version === 'dtlsv1.3';
}

/** DTLS 1.3, whose records and labels are its own. */
export function isDtls13Version(version: ProtocolVersion): version is 'dtlsv1.3' {
  return version === 'dtlsv1.3';
}
