/** The client's hello: what the config makes us offer, and what a HelloRetryRequest makes of it (RFC 8446 §4.1.2). */
import type { CryptoEngine, Group, GroupName, KeyShare } from '../../values/crypto/engine.js';
import { groupCode } from '../../values/registry/groups.js';
import { fallbackScsv, renegotiationScsv } from '../../values/registry/suites.js';
import { type ProtocolVersion, versionCode } from '../../values/registry/versions.js';
import type { ClientHello } from '../../values/wire/messages/client-hello.js';
import type { RawExtension } from '../../values/wire/messages/extension.js';
import { dtls12Messages } from '../../values/wire/tls12-messages.js';
import { dtls13Messages, tls13Messages } from '../../values/wire/tls13-messages.js';
import { namedAuthorities } from '../extensions/certificate-authorities.js';
import type { ConnectionIdExtensions } from '../extensions/connection-id.js';
import { ownPointFormats } from '../extensions/ec-point-formats.js';
import type { KeyShareEntry } from '../extensions/key-share.js';
import { codeOfLength } from '../extensions/max-fragment-length.js';
import { nameToSend, offerHostName } from '../extensions/server-name.js';
import { type ClientHelloExtensions, clientHelloColumn, writeExtensions } from '../extensions/table.js';
import type { ClientOptions, ClientSettings, Dependencies } from '../settings.js';
import type { Previous } from '../tls12/renegotiation.js';
import type { ClientSessions, OfferedSession } from '../tls12/session.js';
import { compressionOffer } from '../tls13/compressed-certificate.js';
import { beforeBinders, pskDheKe } from '../tls13/psk.js';
import {
  binderOf,
  type EarlyOffer,
  earlyDataTerms,
  earlyOffer,
  noEarlyData,
  type OfferedPsk,
  offeredPsks,
  usablePsks,
} from '../tls13/psk-offer.js';
import type { Transcript } from '../transcript.js';
import { schemeCodes } from './choose.js';
import { longestRecord } from './record-limits.js';
import { isBuiltSuite } from './suite.js';
import { showsMiddleboxes, speaksDtls, speaksDtls13, speaksOlder, speaksTls13 } from './version.js';

/** A hello that was sent, and what is needed to understand the answer. */
export interface ClientOffer {
  readonly hello: ClientHello;
  /** The whole message. */
  readonly raw: Uint8Array;
  /** The extensions of `hello`, understood. */
  readonly extensions: ClientHelloExtensions;
  readonly serverName: string | undefined;
  /** Of TLS 1.2 or before. */
  readonly session: OfferedSession | undefined;
}

/** A share that the hello holds. */
export interface OfferedShare {
  readonly group: Group;
  readonly share: KeyShare;
}

/** An offer of TLS 1.3 (and perhaps of older versions too). */
export interface Tls13Offer extends ClientOffer {
  /** In the order of the hello; often one. None: the server is asked which it wants. */
  readonly shares: readonly OfferedShare[];
  /** Keys that may stand in for a certificate, in the order of the hello; often none. */
  readonly psks: readonly OfferedPsk[];
  readonly early: EarlyOffer;
}

/** Whether a server may answer with TLS 1.3. */
export function offersTls13(offer: ClientOffer | Tls13Offer): offer is Tls13Offer {
  return 'shares' in offer;
}

const noCompression = Uint8Array.of(0);

/** What a first hello may say that is in no config. */
type OfferedBesides = Pick<
  ClientOptions,
  'statusRequest' | 'resumption' | 'sessions' | 'namedAuthorities' | 'ownConnectionId'
>;

/** Throws `TypeError` when the engine has none of the config's groups: the options' door lets no such config in. */
export function firstOffer(
  config: ClientSettings,
  dependencies: Dependencies,
  host: string | undefined,
  more: OfferedBesides = {},
): ClientOffer | Tls13Offer {
  const { statusRequest, resumption, sessions } = more;
  const serverName = nameToSend(host);
  const { engine } = dependencies;
  const wishes = wishesOf(config, engine);
  const recognized = wishes.tls13 && resumption;
  const psks = recognized === undefined ? [] : usablePsks(recognized, config, engine);
  const terms = recognized && earlyDataTerms(recognized, psks, config);
  const shares = wishes.tls13 && wishes.shared.map((group) => freshShare(group, dependencies));
  const session = wishes.older && sessions?.offered;
  const random = dependencies.random(32);
  const extensions: ClientHelloExtensions = {
    serverName: serverName === undefined ? undefined : offerHostName(serverName),
    encryptThenMac: wishes.older,
    maxFragmentLength: config.maxFragmentLength && codeOfLength(config.maxFragmentLength),
    extendedMasterSecret: wishes.older,
    ecPointFormats: wishes.older && ownPointFormats,
    supportedGroups: wishes.supportedGroups,
    alpn: config.alpnAdvertisedProtocols,
    useSrtp: config.useSrtp,
    ...connectionIdOffer(config, more.ownConnectionId),
    statusRequest,
    recordSizeLimit: config.recordSizeLimit && Math.min(config.recordSizeLimit, wishes.longestRecord),
    compressCertificate: wishes.tls13 && compressionOffer(config, dependencies),
    signatureAlgorithms: wishes.named && wishes.signatureAlgorithms,
    signatureAlgorithmsCert: wishes.named && wishes.signatureAlgorithmsCert,
    supportedVersions: wishes.tls13 && wishes.supportedVersions,
    cookie: undefined,
    certificateAuthorities: wishes.tls13 && namedAuthorities(more.namedAuthorities ?? []),
    postHandshakeAuth: config.postHandshakeAuth === true ? wishes.tls13 : undefined,
    pskKeyExchangeModes: recognized && [pskDheKe],
    keyShare: shares?.map(shareEntry),
    earlyData: terms && true,
    renegotiationInfo: undefined,
    srpUser: wishes.older && config.srpIdentity?.username,
    nextProtocolWish: config.clientPreferredNextProtocols && wishes.older,
    sessionTicket: wishes.older && ticketToOffer(sessions),
    preSharedKey: undefined,
  };
  const fields: HelloFields = {
    legacyVersion: wishes.legacyVersion,
    random,
    // §D.4: an id makes middleboxes see the resumption of a session.
    legacySessionId:
      session?.id ?? (wishes.tls13 && showsMiddleboxes(config) ? dependencies.random(32) : new Uint8Array(0)),
    ...(speaksDtls(config.versions) ? { cookie: new Uint8Array(0) } : {}),
    cipherSuites: wishes.cipherSuites,
    legacyCompressionMethods: noCompression,
  };
  const written = writeBound(fields, extensions, psks, ({ hash }, part) => hash.digest(part));
  const offer: ClientOffer = { serverName, session, ...written };
  if (shares === undefined) return offer;
  const [first] = psks;
  const early =
    terms === undefined || first === undefined ? noEarlyData : earlyOffer(terms, first, written.raw, engine);
  return { serverName, session, shares, psks, early, ...written };
}

/** RFC 9146 §3, RFC 9147 §9, RFC 9853 §3. */
function connectionIdOffer(
  { connectionId: wanted, versions }: ClientSettings,
  own: (() => Uint8Array) | undefined,
): ConnectionIdExtensions {
  const possible = versions.includes('dtlsv1.2') || speaksDtls13(versions);
  if (wanted === undefined || own === undefined || !possible)
    return { connectionId: undefined, returnRoutability: undefined };
  return { connectionId: { cid: own() }, returnRoutability: true };
}

/** RFC 5077 §3.2: an empty one asks for one. */
function ticketToOffer(sessions: ClientSessions | undefined): Uint8Array | undefined {
  if (sessions === undefined) return undefined;
  const { offered, tickets } = sessions;
  return offered?.ticket ?? (tickets === 'welcome' ? new Uint8Array(0) : undefined);
}

function freshShare(group: Group, dependencies: Dependencies): OfferedShare {
  return { group, share: dependencies.keyShare(group) };
}

function shareEntry({ group, share }: OfferedShare): KeyShareEntry {
  return { group: groupCode(group.name), keyExchange: share.publicKey };
}

type HelloFields = Omit<ClientHello, 'extensions'>;
type Written = Pick<ClientOffer, 'hello' | 'raw' | 'extensions'>;

function write(fields: HelloFields, extensions: ClientHelloExtensions): Written {
  const { legacyVersion, random, legacySessionId, cookie, cipherSuites, legacyCompressionMethods } = fields;
  const hello: ClientHello = {
    legacyVersion,
    random,
    legacySessionId,
    ...(cookie === undefined ? {} : { cookie }),
    cipherSuites,
    legacyCompressionMethods,
    extensions: writeExtensions(clientHelloColumn, extensions),
  };
  const raw = encoded(hello, extensions);
  const lacks = leastDatagramHello - raw.length;
  if (cookie === undefined || extensions.supportedVersions === undefined || lacks <= 0)
    return { hello, raw, extensions };
  const longer = { ...hello, extensions: padded(hello.extensions, lacks) };
  return { hello: longer, raw: encoded(longer, extensions), extensions };
}

/**
 * bytes: a server of DTLS 1.3 that sends nothing longer to strangers than it was sent has room for its cookie then
 * (RFC 9147 §5.1).
 */
const leastDatagramHello = 176;
/** RFC 7685 */
const paddingCode = 21;
const extensionHeader = 4;

/** In front: pre_shared_key stands last. */
function padded(extensions: readonly RawExtension[], lacks: number): readonly RawExtension[] {
  const extensionData = new Uint8Array(Math.max(lacks - extensionHeader, 0));
  return [{ extensionType: paddingCode, extensionData }, ...extensions];
}

/** Where a version from 1.3 on is offered the message has the form that enters its transcript (RFC 9147 §5.2). */
function encoded(hello: ClientHello, { supportedVersions }: ClientHelloExtensions): Uint8Array {
  if (hello.cookie === undefined) return tls13Messages.encode('client_hello', hello);
  return supportedVersions === undefined
    ? dtls12Messages.encode('client_hello', hello)
    : dtls13Messages.encode('client_hello', hello);
}

/**
 * RFC 6347 §4.2.1: the same hello, with the cookie that the server wants back. Who asks for it so is a server of DTLS 1.2,
 * and has no use for keys whose binders would have to be made anew.
 */
export function offerWithCookie(offer: ClientOffer, cookie: Uint8Array): ClientOffer {
  const { extensions: _written, ...fields } = offer.hello;
  const extensions = { ...offer.extensions, preSharedKey: undefined };
  const written = write({ ...fields, cookie }, extensions);
  return offersTls13(offer) ? withoutPsks(offer, written) : { ...offer, ...written };
}

function withoutPsks(offer: Tls13Offer, written: Written): Tls13Offer {
  return { ...offer, psks: [], ...written };
}

/** RFC 8446 §4.2.11.2: binders prove the keys, over the hash of all that stands before them. */
function writeBound(
  fields: HelloFields,
  extensions: ClientHelloExtensions,
  psks: readonly OfferedPsk[],
  digest: (psk: OfferedPsk, part: Uint8Array) => Uint8Array,
): Written {
  if (psks.length === 0) return write(fields, extensions);
  const unbound = offeredPsks(psks);
  const part = beforeBinders(write(fields, { ...extensions, preSharedKey: unbound }).raw, unbound.binders);
  const binders = psks.map((psk) => binderOf(psk, digest(psk, part)));
  return write(fields, { ...extensions, preSharedKey: offeredPsks(psks, binders) });
}

/** What a config says in every hello, in the codes of the wire. */
interface Wishes {
  readonly engine: CryptoEngine;
  /** Whether TLS 1.3 is among the versions. */
  readonly tls13: true | undefined;
  /** Whether an older version is. */
  readonly older: true | undefined;
  /** Whether a version is among them whose signatures name their scheme. */
  readonly named: true | undefined;
  /** The newest of them, as far as the field goes (RFC 8446 §4.1.2). */
  readonly legacyVersion: number;
  /** Of these a share is made. */
  readonly shared: readonly Group[];
  readonly supportedGroups: readonly number[];
  readonly signatureAlgorithms: readonly number[];
  readonly signatureAlgorithmsCert: readonly number[] | undefined;
  readonly supportedVersions: readonly number[];
  readonly cipherSuites: readonly number[];
  /** The most that record_size_limit may say (RFC 8449 §4), bytes. */
  readonly longestRecord: number;
}

/** Looked up once per config and engine: the connections of a client share their config. */
const wishesByConfig = new WeakMap<ClientSettings, Wishes>();

function wishesOf(config: ClientSettings, engine: CryptoEngine): Wishes {
  const known = wishesByConfig.get(config);
  if (known?.engine === engine) return known;
  const tls13 = speaksTls13(config.versions) || undefined;
  const older = speaksOlder(config.versions) || undefined;
  const named =
    tls13 ??
    (config.versions.some((version) => version === 'tlsv1.2' || version === 'dtlsv1.2') || undefined);
  const groups = offeredGroups(config).flatMap((name) => engine.group(name) ?? []);
  if (groups.length === 0) throw new TypeError('no group to offer');
  const suites = config.ciphers.filter((row) => isBuiltSuite(row, engine)).map(({ id }) => id);
  const wishes: Wishes = {
    engine,
    tls13,
    older,
    named,
    legacyVersion: legacyVersionOf(config.versions),
    shared: groups.filter(({ name }) => config.keyShares.includes(name)),
    supportedGroups: groups.map(({ name }) => groupCode(name)),
    signatureAlgorithms: schemeCodes(config.signatureAlgs),
    signatureAlgorithmsCert: config.signatureAlgsCert && schemeCodes(config.signatureAlgsCert),
    supportedVersions: config.versions.map(versionCode),
    cipherSuites: [...suites, ...signals(older, config)],
    longestRecord: longestRecord(tls13 ? 'tls13' : 'tls12'),
  };
  wishesByConfig.set(config, wishes);
  return wishes;
}

/** TLS 1.3 is never named here (RFC 8446 §4.1.2). */
function legacyVersionOf(versions: readonly ProtocolVersion[]): number {
  const [newest] = versions;
  if (newest === undefined || newest === 'tlsv1.3') return versionCode('tlsv1.2');
  if (newest === 'dtlsv1.3') return versionCode('dtlsv1.2');
  return versionCode(newest);
}

/**
 * Suites that are none: OTP's clients say by one that they know secure renegotiation (RFC 5746 §3.3), and by another that
 * they try an older version than they could (RFC 7507 §4).
 */
function signals(older: true | undefined, { fallback }: ClientSettings): readonly number[] {
  const asked = fallback === true ? [fallbackScsv] : [];
  return older ? [renegotiationScsv, ...asked] : asked;
}

/** Groups of the hello: with TLS 1.3 among the versions those of 1.3, as OTP has it, else the curves of `eccs`. */
export function offeredGroups({ versions, supportedGroups, eccs }: ClientSettings): readonly GroupName[] {
  return speaksTls13(versions) ? supportedGroups : eccs;
}

/**
 * The hello of a handshake that runs again in a version before TLS 1.3: what the first one said, but for what only TLS 1.3
 * has, what was agreed on once (ALPN, NPN), and sessions; a server that has given a ticket may give another, which GnuTLS does
 * whether it is asked or not. It names the same newest version, which some servers ask for. `info`: renegotiation_info,
 * in place of the signalling suite (RFC 5746 §3.5).
 */
export function offerAgain(
  config: ClientSettings,
  dependencies: Dependencies,
  {
    serverName: host,
    statusRequest,
    ownConnectionId,
  }: Pick<ClientOptions, 'serverName' | 'statusRequest' | 'ownConnectionId'>,
  { version: { name: version }, facts: { session } }: Pick<Previous, 'version' | 'facts'>,
  info: Uint8Array,
): ClientOffer {
  const usable = config.ciphers.filter(({ versions }) => versions.includes(version));
  const again = {
    ...config,
    ...{ ciphers: usable, keyShares: [], fallback: false },
    ...{ alpnAdvertisedProtocols: undefined, clientPreferredNextProtocols: undefined },
    middleboxCompMode: false,
  };
  const { serverName, hello, extensions } = firstOffer(again, dependencies, host, {
    statusRequest,
    ownConnectionId,
  });
  const suites = hello.cipherSuites.filter((id) => id !== renegotiationScsv);
  const sessionTicket = session?.ticket && new Uint8Array(0);
  const olderOnly = { supportedVersions: undefined, keyShare: undefined, compressCertificate: undefined };
  return {
    serverName,
    session: undefined,
    ...write(
      { ...hello, cipherSuites: suites },
      { ...extensions, ...olderOnly, sessionTicket, renegotiationInfo: info },
    ),
  };
}

/** The share of a group that the hello holds. */
export function shareOf({ shares }: Tls13Offer, group: number): OfferedShare | undefined {
  return shares.find((offered) => groupCode(offered.group.name) === group);
}

/**
 * §4.1.2: the same hello but for key share and cookie, without early data, and with those of the keys that go with the
 * suite that the server has chosen. `group`: what a share is asked of. The transcript ends with the HelloRetryRequest.
 */
export function secondOffer(
  first: Tls13Offer,
  group: Group | undefined,
  cookie: Uint8Array | undefined,
  transcript: Transcript,
  dependencies: Dependencies,
): Tls13Offer {
  const shares = group === undefined ? first.shares : [freshShare(group, dependencies)];
  const extensions: ClientHelloExtensions = {
    ...first.extensions,
    keyShare: shares.map(shareEntry),
    cookie,
    earlyData: undefined,
    preSharedKey: undefined,
  };
  const psks = first.psks.filter(({ hash }) => hash.name === transcript.hash.name);
  return {
    ...writeBound(first.hello, extensions, psks, (_psk, part) => transcript.digestWith(part)),
    serverName: first.serverName,
    session: first.session,
    shares,
    psks,
    early: first.early.kind === 'none' ? noEarlyData : { kind: 'withdrawn' },
  };
}
