/**
 * A session of TLS 1.2 or before as bytes: in tables, in tickets (RFC 5077 §4) and in the hands of users (`session_data`).
 * All of it is as secret as its master secret.
 */
import type { Session12 } from '../../protocol/tls12/session.js';
import type { GroupName } from '../../values/crypto/engine.js';
import { groupByCode, groupCode, isTls13Group } from '../../values/registry/groups.js';
import { Secret } from '../../values/secret.js';
import { flag, format, optional, text8, time } from '../../values/ticket-codecs.js';
import {
  type Codec,
  decodeAll,
  encodeAll,
  fixed,
  list24,
  opaque16,
  opaque24,
  struct,
  uint16,
} from '../../values/wire/codec.js';
import { DecodeError } from '../../values/wire/reader.js';

/** A session and what it is bound to. */
export interface KeptSession {
  readonly session: Session12;
  /** 32 bytes, of what the peer was judged by (`policy.ts`). */
  readonly policy: Uint8Array;
  /** ms since 1970: when its full handshake was. */
  readonly created: number;
  /** ms since 1970: until then the peer's certificates are good. */
  readonly notAfter: number;
  /** Of a client: what the server gave it, and for how long, ms since 1970. */
  readonly ticket: { readonly ticket: Uint8Array; readonly until: number } | undefined;
}

interface Content {
  readonly format: true;
  readonly version: number;
  readonly suite: number;
  readonly masterSecret: Uint8Array;
  readonly extended: boolean;
  readonly encryptThenMac: boolean;
  readonly serverName: string | undefined;
  readonly group: GroupName | undefined;
  readonly isSrp: boolean;
  readonly user: Uint8Array | undefined;
  readonly policy: Uint8Array;
  readonly created: number;
  readonly notAfter: number;
  readonly ticket: Uint8Array | undefined;
  readonly until: number;
  readonly chain: readonly Uint8Array[];
}

const groupName: Codec<GroupName> = {
  decode(reader) {
    const name = groupByCode(reader.uint16());
    if (name === undefined || !isTls13Group(name)) throw new DecodeError('no group');
    return name;
  },
  encode: (writer, name) => writer.uint16(groupCode(name)),
};

const content: Codec<Content> = struct<Content>({
  format: format(12),
  version: uint16,
  suite: uint16,
  masterSecret: fixed(48),
  extended: flag,
  encryptThenMac: flag,
  serverName: optional(text8),
  group: optional(groupName),
  isSrp: flag,
  user: optional(opaque16(0, 0xffff)),
  policy: fixed(32),
  created: time,
  notAfter: time,
  ticket: optional(opaque16(1, 0xffff)),
  until: time,
  chain: list24(opaque24(1, 0xff_ffff), 0, 0xff_ffff),
});

const versions: readonly Session12['version'][] = ['tlsv1', 'tlsv1.1', 'tlsv1.2', 'dtlsv1', 'dtlsv1.2'];

export function keptBytes({ session, policy, created, notAfter, ticket }: KeptSession): Uint8Array {
  const { version, suite, masterSecret, derivation, encryptThenMac, serverName, group, user, chain } =
    session;
  return encodeAll(content, {
    format: true,
    version: versions.indexOf(version),
    ...{ suite, encryptThenMac, serverName, group, policy, created, notAfter, chain },
    masterSecret: masterSecret.expose(),
    extended: derivation === 'extended',
    isSrp: user?.kind === 'srp',
    user: user?.name,
    ticket: ticket?.ticket,
    until: ticket?.until ?? 0,
  });
}

/** `undefined` for what is none. What it holds is its own memory. */
export function keptSession(bytes: Uint8Array): KeptSession | undefined {
  try {
    return understood(decodeAll(content, new Uint8Array(bytes)));
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function understood(found: Content): KeptSession | undefined {
  const { suite, encryptThenMac, serverName, group, chain, policy, created, notAfter } = found;
  const version = versions[found.version];
  if (version === undefined) return undefined;
  const session: Session12 = {
    ...{ version, suite, encryptThenMac, serverName, group, chain },
    masterSecret: new Secret(found.masterSecret),
    derivation: found.extended ? 'extended' : 'plain',
    user: found.user && { kind: found.isSrp ? 'srp' : 'psk', name: found.user },
  };
  const ticket = found.ticket && { ticket: found.ticket, until: found.until };
  return { session, policy, created, notAfter, ticket };
}
