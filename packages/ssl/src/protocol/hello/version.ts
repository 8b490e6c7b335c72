/**
 * The version is chosen here, once, and yields a dialect, whose machine is then started: nobody asks for versions
 * after that. Looks at nothing but versions (RFC 8446 §4.2.1, §4.1.3, §D).
 */

import { fallbackScsv } from '../../values/registry/suites.js';
import type { ProtocolVersion } from '../../values/registry/versions.js';
import { versionByCode, versionCode } from '../../values/registry/versions.js';
import type { ClientHello } from '../../values/wire/messages/client-hello.js';
import type { RawExtension } from '../../values/wire/messages/extension.js';
import { isHelloRetryRequest, type ServerHello } from '../../values/wire/messages/server-hello.js';
import { Reader } from '../../values/wire/reader.js';
import { type AlertRules, tls12Alerts, tls13Alerts } from '../alert-rules.js';
import { selectedVersion, supportedVersionsOffer } from '../extensions/supported-versions.js';
import { AlertError } from '../reasons.js';

/** A family of versions with machines of its own. */
export type Dialect = 'tls13' | 'tls12';

const ssl30 = 0x0300;
const tls12 = versionCode('tlsv1.2');
const tls13 = versionCode('tlsv1.3');

/** The last eight bytes of a server's random when it could have done better: "DOWNGRD" and 1 or 0 (RFC 8446 §4.1.3). */
const downgradeMark: readonly number[] = [0x44, 0x4f, 0x57, 0x4e, 0x47, 0x52, 0x44];

/** Whether a list of own versions has TLS 1.3. */
export function speaksTls13(versions: readonly ProtocolVersion[]): boolean {
  return versions.includes('tlsv1.3');
}

/** Whether a list of own versions has TLS 1.2. */
export function speaksTls12(versions: readonly ProtocolVersion[]): boolean {
  return versions.includes('tlsv1.2');
}

/** Whether a list of own versions has one of the family. */
export function speaks(dialect: Dialect, versions: readonly ProtocolVersion[]): boolean {
  return dialect === 'tls13' ? speaksTls13(versions) : speaksTls12(versions);
}

/** OTP's name of the state before any hello came: with an older version configured both sides start in its machine. */
export function stateNameBefore(
  awaited: 'clientHello' | 'serverHello',
  versions: readonly ProtocolVersion[],
): string {
  if (speaksTls12(versions)) return 'hello';
  return awaited === 'clientHello' ? 'wait_sh' : 'start';
}

/** What an alert means to a client that does not know the version yet: warnings may come from an older server. */
export function alertsBefore(versions: readonly ProtocolVersion[]): AlertRules {
  return speaksTls12(versions) ? tls12Alerts : tls13Alerts;
}

/** What a HelloRequest is to such a client: an older server may send one at any time (RFC 5246 §7.4.1.1). */
export function helloRequestsBefore(versions: readonly ProtocolVersion[]): 'ignored' | 'refused' {
  return speaksTls12(versions) ? 'ignored' : 'refused';
}

/** The server's choice: the newest version both speak. */
export function chooseVersion(hello: ClientHello, versions: readonly ProtocolVersion[]): Dialect {
  // §D.5: a hello of SSL 3.0 is refused, whatever else it says.
  if (hello.legacyVersion <= ssl30)
    throw new AlertError('unsupported_version', { versions: [nameOf(hello.legacyVersion)] });
  const offered = offeredVersions(hello);
  refuseFallback(hello, offered, versions);
  for (const version of versions) {
    if (offered.includes(versionCode(version))) return dialectOf(version);
  }
  throw new AlertError('unsupported_version', { versions: known(offered) });
}

/** What a ServerHello or HelloRetryRequest selects among the versions offered. */
export function selectedDialect(hello: ServerHello, offered: readonly ProtocolVersion[]): Dialect {
  const selected = selectedCode(hello);
  if (selected !== undefined) {
    // §4.2.1: the extension never selects TLS 1.2 or less.
    const version = versionByCode(selected)?.name;
    if (selected < tls13 || version === undefined || !offered.includes(version)) {
      throw new AlertError('wrong_selected_version', { version: selected });
    }
    return dialectOf(version);
  }
  if (isHelloRetryRequest(hello)) throw new AlertError('unsupported_version');
  if (speaksTls13(offered) && hasDowngradeMark(hello.random)) throw new AlertError('downgrade_detected');
  if (hello.legacyVersion === tls12 && speaksTls12(offered)) return 'tls12';
  throw new AlertError('unsupported_version', { version: nameOf(hello.legacyVersion) });
}

/**
 * A server's random: a server that could have done better says so, for a client whose hello was tampered with
 * (RFC 8446 §4.1.3).
 */
export function serverRandom(
  random: Uint8Array,
  dialect: Dialect,
  versions: readonly ProtocolVersion[],
): Uint8Array {
  if (dialect === 'tls12' && speaksTls13(versions)) random.set([...downgradeMark, 1], 24);
  return random;
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
  if (selectedCode(hello) === undefined || selectedDialect(hello, offered) !== dialect)
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

function dialectOf(version: ProtocolVersion): Dialect {
  if (version === 'tlsv1.3') return 'tls13';
  if (version === 'tlsv1.2') return 'tls12';
  throw new AlertError('unsupported_version', { version });
}

/** §4.2.1: supported_versions when it is there; legacy_version and all below it otherwise. */
function offeredVersions(hello: ClientHello): readonly number[] {
  const listed = extensionValue(hello.extensions, supportedVersionsOffer.code, (reader) => {
    const into: { supportedVersions: readonly number[] | undefined } = { supportedVersions: undefined };
    supportedVersionsOffer.read(reader, into);
    return into.supportedVersions;
  });
  if (listed !== undefined) return listed;
  const highest = Math.min(hello.legacyVersion, tls12);
  return Array.from({ length: highest - ssl30 }, (_, below) => highest - below);
}

/** RFC 7507 §3. */
function refuseFallback(
  hello: ClientHello,
  offered: readonly number[],
  versions: readonly ProtocolVersion[],
): void {
  if (!hello.cipherSuites.includes(fallbackScsv)) return;
  const best = Math.max(...versions.map(versionCode));
  if (offered.every((version) => version < best)) throw new AlertError('inappropriate_fallback');
}

function hasDowngradeMark(random: Uint8Array): boolean {
  const last = random[31];
  return downgradeMark.every((byte, index) => random[24 + index] === byte) && (last === 0 || last === 1);
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
