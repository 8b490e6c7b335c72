/** The client's hello: what the config makes us offer, and what a HelloRetryRequest makes of it (RFC 8446 §4.1.2). */
import type { CryptoEngine, Group, KeyShare } from '../../values/crypto/engine.js';
import { groupCode } from '../../values/registry/groups.js';
import { versionCode } from '../../values/registry/versions.js';
import { encodeHandshake } from '../../values/wire/handshake.js';
import type { ClientHello } from '../../values/wire/messages/client-hello.js';
import { nameToSend, offerHostName } from '../extensions/server-name.js';
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
  host: string | undefined,
  statusRequest?: StatusRequest,
): ClientOffer {
  const serverName = nameToSend(host);
  const { engine } = dependencies;
  const wishes = wishesOf(config, engine);
  const { group } = wishes;
  const share = dependencies.keyShare(group);
  const random = dependencies.random(32);
  const extensions: ClientHelloExtensions = {
    serverName: serverName === undefined ? undefined : offerHostName(serverName),
    supportedGroups: wishes.supportedGroups,
    alpn: config.alpnAdvertisedProtocols,
    statusRequest,
    signatureAlgorithms: wishes.signatureAlgorithms,
    signatureAlgorithmsCert: wishes.signatureAlgorithmsCert,
    supportedVersions: wishes.supportedVersions,
    cookie: undefined,
    certificateAuthorities: undefined,
    pskKeyExchangeModes: undefined,
    keyShare: [{ group: groupCode(group.name), keyExchange: share.publicKey }],
    earlyData: undefined,
    preSharedKey: undefined,
  };
  const hello: ClientHello = {
    legacyVersion: 0x0303,
    random,
    // §D.4: an id makes middleboxes see the resumption of a session.
    legacySessionId: config.middleboxCompMode ? dependencies.random(32) : new Uint8Array(0),
    cipherSuites: wishes.cipherSuites,
    legacyCompressionMethods: noCompression,
    extensions: writeExtensions(clientHelloColumn, extensions),
  };
  return { hello, raw: encodeHandshake('client_hello', hello), extensions, serverName, group, share };
}

/** What a config says in every hello, in the codes of the wire. */
interface Wishes {
  readonly engine: CryptoEngine;
  /** The first of the groups: a share is made of it. */
  readonly group: Group;
  readonly supportedGroups: readonly number[];
  readonly signatureAlgorithms: readonly number[];
  readonly signatureAlgorithmsCert: readonly number[] | undefined;
  readonly supportedVersions: readonly number[];
  readonly cipherSuites: readonly number[];
}

/** Looked up once per config and engine: the connections of a client share their config. */
const wishesByConfig = new WeakMap<ClientSettings, Wishes>();

function wishesOf(config: ClientSettings, engine: CryptoEngine): Wishes {
  const known = wishesByConfig.get(config);
  if (known?.engine === engine) return known;
  const groups = config.supportedGroups.flatMap((name) => engine.group(name) ?? []);
  const [group] = groups;
  if (group === undefined) throw new TypeError('no group to offer');
  const wishes: Wishes = {
    engine,
    group,
    supportedGroups: groups.map(({ name }) => groupCode(name)),
    signatureAlgorithms: schemeCodes(config.signatureAlgs),
    signatureAlgorithmsCert: config.signatureAlgsCert && schemeCodes(config.signatureAlgsCert),
    supportedVersions: config.versions.map(versionCode),
    cipherSuites: config.ciphers.map(({ id }) => id),
  };
  wishesByConfig.set(config, wishes);
  return wishes;
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
