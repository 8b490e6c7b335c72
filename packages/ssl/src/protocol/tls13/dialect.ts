/** What TLS 1.3 and DTLS 1.3 say differently in the same messages (RFC 9147 §5). */
import { type ProtocolVersion, type Tls13Version, versionCode } from '../../values/registry/versions.js';
import type { ClientHello } from '../../values/wire/messages/client-hello.js';
import { speaksDtls } from '../hello/version.js';

export interface Dialect13 {
  readonly version: Tls13Version;
  /** legacy_version of both hellos. */
  readonly legacyVersion: number;
  /** In supported_versions of the answer. */
  readonly selectedVersion: number;
  /** legacy_session_id_echo (§5): there are no middleboxes to show a resumption to. */
  echo(hello: ClientHello): Uint8Array;
}

const nothing: Uint8Array = new Uint8Array(0);

const tls: Dialect13 = {
  version: 'tlsv1.3',
  legacyVersion: versionCode('tlsv1.2'),
  selectedVersion: versionCode('tlsv1.3'),
  echo: ({ legacySessionId }) => legacySessionId,
};

const dtls: Dialect13 = {
  version: 'dtlsv1.3',
  legacyVersion: versionCode('dtlsv1.2'),
  selectedVersion: versionCode('dtlsv1.3'),
  echo: () => nothing,
};

/** By the versions of a config, which are all of TLS or all of DTLS. */
export function dialect13({ versions }: { readonly versions: readonly ProtocolVersion[] }): Dialect13 {
  return speaksDtls(versions) ? dtls : tls;
}
