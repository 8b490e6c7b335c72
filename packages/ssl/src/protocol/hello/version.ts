/**
 * The version is chosen here, once, and yields a dialect, whose machine is then started: nobody asks for versions
 * after that. Looks at nothing but versions (RFC 8446 §4.2.1, §4.1.3, §D).
 */

import { fallbackScsv } from '../../values/registry/suites.js';
import type { ProtocolVersion, Tls13Version } from '../../values/registry/versions.js';
import {
  isTls13Version,
  versionByCode,
  versionByName,
  versionCode,
  versionRows,
} from '../../values/registry/versions.js';
import type { MessageTable } from '../../values/wire/message-table.js';
import type { ClientHello } from '../../values/wire/messages/client-hello.js';
import type { RawExtension } from '../../values/wire/messages/extension.js';
import { isHelloRetryRequest, type ServerHello } from '../../values/wire/messages/server-hello.js';
import { Reader } from '../../values/wire/reader.js';
import { dtls12Messages } from '../../values/wire/tls12-messages.js';
import { tls13Messages } from '../../values/wire/tls13-messages.js';
import { type AlertRules, tls12Alerts, tls13Alerts } from '../alert-rules.js';
import { selectedVersion, supportedVersionsOffer } from '../extensions/supported-versions.js';
import { AlertError } from '../reasons.js';

/** A family of versions with machines of its own; `tls12`: also those before it. */
export type Dialect = 'tls13' | 'tls12';

export function dialectOf(version: ProtocolVersion): Dialect {
  return isTls13(version) ? 'tls13' : 'tls12';
}

export function isTls13(version: ProtocolVersion): version is Tls13Version {
  return isTls13Version(version);
}

/** Whether a list of own versions is one of DTLS: no list has both kinds. */
export function speaksDtls(versions: readonly ProtocolVersion[]): boolean {
  return versions.some((version) => versionByName(version)?.protocol === 'dtls');
}

/** Whether a change_cipher_spec is shown to middleboxes (RFC 8446 §D.4): there is nothing to show them over datagrams (RFC 9147 §5). */
export function showsMiddleboxes({
  versions,
  middleboxCompMode,
}: {
  readonly versions: readonly ProtocolVersion[];
  readonly middleboxCompMode: boolean;
}): boolean {
  return middleboxCompMode && !speaksDtls(versions);
}

/** What both hellos look like before a version is chosen. */
type HelloBodies = { readonly client_hello: ClientHello; readonly server_hello: ServerHello };

/** The part of a version family's messages that is read before a version is chosen. */
interface HelloTable extends Pick<MessageTable<HelloBodies>, 'decode'> {
  byCode(code: number): string | undefined;
}

/** How they are framed: a hello of DTLS has a cookie, and each message a number. */
export function helloMessages(versions: readonly ProtocolVersion[]): HelloTable {
  return speaksDtls(versions) ? dtls12Messages : tls13Messages;
}

/** Versions of the records that carry hellos, the first and those that follow it (RFC 8446 §5.1, RFC 6347 §4.2.1). */
export function helloRecordVersions(versions: readonly ProtocolVersion[]): {
  readonly first: number;
  readonly later: number;
} {
  return speaksDtls(versions) ? { first: dtls10, later: dtls10 } : { first: 0x0301, later: 0x0303 };
}

const dtls10 = versionCode('dtlsv1');
/** The first byte of all versions of DTLS (RFC 6347 §4.1). */
const dtlsMajor = dtls10 >> 8;

const ssl30 = 0x0300;
const tls12 = versionCode('tlsv1.2');

/** The last eight bytes of a server's random when it could have done better: "DOWNGRD" and 1 or 0 (RFC 8446 §4.1.3). */
const downgradeMark: readonly number[] = [0x44, 0x4f, 0x57, 0x4e, 0x47, 0x52, 0x44];

/** Whether a list of own versions has TLS 1.3, or DTLS 1.3. */
export function speaksTls13(versions: readonly ProtocolVersion[]): boolean {
  return versions.some(isTls13Version);
}

/** Whether a list of own versions has DTLS 1.3. */
export function speaksDtls13(versions: readonly ProtocolVersion[]): boolean {
  return versions.includes('dtlsv1.3');
}

/** Whether a list of own versions has TLS 1.2 or one before it. */
export function speaksOlder(versions: readonly ProtocolVersion[]): boolean {
  return versions.some((version) => !isTls13Version(version));
}

/** OTP's name of the state before any hello came: with an older version configured both sides start in its machine. */
export function stateNameBefore(
  awaited: 'clientHello' | 'serverHello',
  versions: readonly ProtocolVersion[],
): string {
  if (speaksOlder(versions)) return 'hello';
  return awaited === 'clientHello' ? 'wait_sh' : 'start';
}

/** What an alert means to a client that does not know the version yet: warnings may come from an older server. */
export function alertsBefore(versions: readonly ProtocolVersion[]): AlertRules {
  return speaksOlder(versions) ? tls12Alerts : tls13Alerts;
}

/** What a HelloRequest is to such a client: an older server may send one at any time (RFC 5246 §7.4.1.1). */
export function helloRequestsBefore(versions: readonly ProtocolVersion[]): 'ignored' | 'refused' {
  return speaksOlder(versions) ? 'ignored' : 'refused';
}

/** The server's choice: the newest version both speak. */
export function chooseVersion(hello: ClientHello, versions: readonly ProtocolVersion[]): ProtocolVersion {
  // §D.5: a hello of SSL 3.0 is refused, whatever else it says.
  if (hello.legacyVersion <= ssl30)
    throw new AlertError('unsupported_version', { versions: [nameOf(hello.legacyVersion)] });
  const offered = offeredVersions(hello, speaksDtls(versions));
  refuseFallback(hello, offered, versions);
  for (const version of versions) {
    if (offered.includes(versionCode(version))) return version;
  }
  throw new AlertError('unsupported_version', { versions: known(offered) });
}

/** What a ServerHello or HelloRetryRequest selects among the versions offered. */
export function selectedVersionOf(hello: ServerHello, offered: readonly ProtocolVersion[]): ProtocolVersion {
  const selected = selectedCode(hello);
  if (selected !== undefined) {
    // §4.2.1: the extension never selects TLS 1.2 or less.
    const version = versionByCode(selected)?.name;
    if (version === undefined || !isTls13Version(version) || !offered.includes(version)) {
      throw new AlertError('wrong_selected_version', { version: selected });
    }
    return version;
  }
  if (isHelloRetryRequest(hello)) throw new AlertError('unsupported_version');
  if (hasDowngradeMark(hello, offered)) throw new AlertError('downgrade_detected');
  const version = offered.find((name) => !isTls13Version(name) && versionCode(name) === hello.legacyVersion);
  if (version === undefined)
    throw new AlertError('unsupported_version', { version: nameOf(hello.legacyVersion) });
  return version;
}

/**
 * A server's random: a server that could have done better says so, for a client whose hello was tampered with
 * (RFC 8446 §4.1.3).
 */
export function serverRandom(
  random: Uint8Array,
  chosen: ProtocolVersion,
  versions: readonly ProtocolVersion[],
): Uint8Array {
  const mark = markOf(chosen, versions);
  if (mark !== undefined) random.set([...downgradeMark, mark], 24);
  return random;
}

/** The last byte of the mark that goes with a version: 1 of TLS 1.2, 0 of those before it; none where nothing is better. */
function markOf(chosen: ProtocolVersion, versions: readonly ProtocolVersion[]): 0 | 1 | undefined {
  if (isTls13Version(chosen)) return undefined;
  // Of DTLS no version is marked but beside 1.3 (RFC 9147 §5).
  if (chosen === 'dtlsv1' && !speaksTls13(versions)) return undefined;
  if (chosen === 'tlsv1.2' || chosen === 'dtlsv1.2') return speaksTls13(versions) ? 1 : undefined;
  return speaksTls13(versions) || versions.includes('tlsv1.2') ? 0 : undefined;
}

/**
 * A ServerHello after a HelloRetryRequest stays with its version (§4.1.4): illegal_parameter for every other, and for
 * none at all, which would be an older one.
 */
export function confirmDialect(
  hello: ServerHello,
  offered: readonly ProtocolVersion[],
  dialect: Dialect,
): void {
  if (selectedCode(hello) === undefined || dialectOf(selectedVersionOf(hello, offered)) !== dialect)
    throw new AlertError('wrong_selected_version');
}

/** The version in supported_versions. */
function selectedCode(hello: ServerHello): number | undefined {
  return extensionValue(hello.extensions, selectedVersion.code, (reader) => {
    const into: { selectedVersion: number | undefined } = { selectedVersion: undefined };
    selectedVersion.read(reader, into);
    return into.selectedVersion;
  });
}

function nameOf(code: number): string {
  return versionByCode(code)?.name ?? (code === ssl30 ? 'sslv3' : `0x${code.toString(16).padStart(4, '0')}`);
}

/** Values that mean nothing (RFC 8701) are not told. */
function known(offered: readonly number[]): readonly string[] {
  return offered.flatMap((code) => versionByCode(code)?.name ?? []);
}

/** §4.2.1: supported_versions when it is there; legacy_version and all below it otherwise. */
function offeredVersions(hello: ClientHello, dtls: boolean): readonly number[] {
  const listed = extensionValue(hello.extensions, supportedVersionsOffer.code, (reader) => {
    const into: { supportedVersions: readonly number[] | undefined } = { supportedVersions: undefined };
    supportedVersionsOffer.read(reader, into);
    return into.supportedVersions;
  });
  if (listed !== undefined) return listed;
  if (dtls) return offeredOfDtls(hello.legacyVersion);
  const highest = Math.min(hello.legacyVersion, tls12);
  return Array.from({ length: highest - ssl30 }, (_, below) => highest - below);
}

/** DTLS counts downwards (RFC 6347 §4.1); whatever is newer knows 1.2, and 1.3 is never offered so (RFC 9147 §5.3). */
function offeredOfDtls(highest: number): readonly number[] {
  return versionRows
    .filter(({ name, code, protocol }) => protocol === 'dtls' && code >= highest && !isTls13Version(name))
    .map(({ code }) => code);
}

/** RFC 7507 §3. */
function refuseFallback(
  hello: ClientHello,
  offered: readonly number[],
  versions: readonly ProtocolVersion[],
): void {
  if (!hello.cipherSuites.includes(fallbackScsv)) return;
  const [best] = versions;
  const newest = best && versionCode(best);
  if (newest === undefined) return;
  const older = (code: number): boolean => (newest >> 8 === dtlsMajor ? code > newest : code < newest);
  if (offered.every(older)) throw new AlertError('inappropriate_fallback');
}

/** A client of TLS 1.3 looks for both marks, one of TLS 1.2 for that of the versions before it. */
function hasDowngradeMark(
  { random, legacyVersion }: ServerHello,
  offered: readonly ProtocolVersion[],
): boolean {
  if (!downgradeMark.every((byte, index) => random[24 + index] === byte)) return false;
  const last = random[31];
  if (speaksTls13(offered)) return last === 0 || last === 1;
  return last === 0 && offered.includes('tlsv1.2') && legacyVersion < tls12;
}

/** Decodes one extension before the table looks at all of them; what is wrong with its shape is told there. */
function extensionValue<T>(
  extensions: readonly RawExtension[],
  code: number,
  read: (reader: Reader) => T,
): T | undefined {
  const extension = extensions.find(({ extensionType }) => extensionType === code);
  return extension === undefined ? undefined : read(new Reader(extension.extensionData));
}
