/** The client's hello: what the config makes us offer, and what a HelloRetryRequest makes of it (RFC 8446 §4.1.2). */
import type { Group, KeyShare } from '../../values/crypto/engine.js';
import { groupCode } from '../../values/registry/groups.js';
import { versionCode } from '../../values/registry/versions.js';
import { encodeHandshake } from '../../values/wire/handshake.js';
import type { ClientHello } from '../../values/wire/messages/client-hello.js';
import { offerHostName } from '../extensions/server-name.js';
import type { StatusRequest } from '../extensions/status-request.js';
import { type ClientHelloExtensions, clientHelloColumn, writeExtensions } from '../extensions/table.js';
import type { ClientSettings, Dependencies } from '../settings.js';
import { schemeCodes } from './choose.js';

/** A hello that was sent, and what is needed to understand the answer. */
export interface ClientOffer {
  readonly hello: ClientHello;
  /** The whole message. */
  readonly raw: Uint8Array;
  /** The extensions of `hello`, understood. */
  readonly extensions: ClientHelloExtensions;
  readonly serverName: string | undefined;
  readonly group: Group;
  readonly share: KeyShare;
}

const noCompression = Uint8Array.of(0);

/** Throws `TypeError` when the engine has none of the config's groups: the options' door lets no such config in. */
export function firstOffer(
  config: ClientSettings,
  dependencies: Dependencies,
  serverName: string | undefined,
  statusRequest?: StatusRequest,
): ClientOffer {
  const groups = config.supportedGroups.flatMap((name) => dependencies.engine.group(name) ?? []);
  const [group] = groups;
  if (group === undefined) throw new TypeError('no group to offer');
  const share = dependencies.keyShare(group);
  const random = dependencies.random(32);
  const extensions: ClientHelloExtensions = {
    ...clientHelloColumn.none(),
    serverName: serverName === undefined ? undefined : offerHostName(serverName),
    supportedGroups: groups.map(({ name }) => groupCode(name)),
    alpn: config.alpnAdvertisedProtocols,
    statusRequest,
    signatureAlgorithms: schemeCodes(config.signatureAlgs),
    signatureAlgorithmsCert: config.signatureAlgsCert && schemeCodes(config.signatureAlgsCert),
    supportedVersions: config.versions.map(versionCode),
    keyShare: [{ group: groupCode(group.name), keyExchange: share.publicKey }],
  };
  const hello: ClientHello = {
    legacyVersion: 0x0303,
    random,
    // §D.4: an id makes middleboxes see the resumption of a session.
    legacySessionId: config.middleboxCompMode ? dependencies.random(32) : new Uint8Array(0),
    cipherSuites: config.ciphers.map(({ id }) => id),
    legacyCompressionMethods: noCompression,
    extensions: writeExtensions(clientHelloColumn, extensions),
  };
  return { hello, raw: encodeHandshake('client_hello', hello), extensions, serverName, group, share };
}

/** §4.1.2: the same hello but for key share and cookie. */
export function secondOffer(
  first: ClientOffer,
  group: Group | undefined,
  cookie: Uint8Array | undefined,
  dependencies: Dependencies,
): ClientOffer {
  const share = group === undefined ? first.share : dependencies.keyShare(group);
  const shared = group ?? first.group;
  const extensions: ClientHelloExtensions = {
    ...first.extensions,
    keyShare: [{ group: groupCode(shared.name), keyExchange: share.publicKey }],
    cookie,
  };
  const hello: ClientHello = { ...first.hello, extensions: writeExtensions(clientHelloColumn, extensions) };
  return {
    hello,
    raw: encodeHandshake('client_hello', hello),
    extensions,
    serverName: first.serverName,
    group: shared,
    share,
  };
}
