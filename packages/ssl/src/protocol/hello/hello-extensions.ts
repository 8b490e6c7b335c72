/**
 * What a `hello` pause tells of the peer's first hello (`ssl:handshake/2,3` with `{handshake, hello}`, contract §5.3),
 * and how a name is found in one before anything is decided (RFC 6066 §3).
 */
import type { HashFunction } from '../../values/crypto/engine.js';
import type { HostName } from '../../values/host-name.js';
import { groupByCode, type NamedGroup } from '../../values/registry/groups.js';
import { type SignatureSchemeName, schemeByCode } from '../../values/registry/schemes.js';
import { type ProtocolVersion, versionByCode } from '../../values/registry/versions.js';
import type { SrtpTerms } from '../../values/srtp.js';
import { opaque8 } from '../../values/wire/codec.js';
import type { ClientHello } from '../../values/wire/messages/client-hello.js';
import type { RawExtension } from '../../values/wire/messages/extension.js';
import { isHelloRetryRequest, type ServerHello } from '../../values/wire/messages/server-hello.js';
import { DecodeError, Reader } from '../../values/wire/reader.js';
import { Writer } from '../../values/wire/writer.js';
import type { KeyShareEntry } from '../extensions/key-share.js';
import { hostName, type ServerName, serverNameOffer } from '../extensions/server-name.js';
import { selectedVersion } from '../extensions/supported-versions.js';
import {
  clientHelloColumn,
  helloRetryRequestColumn,
  readExtensions,
  serverHello12Column,
  serverHelloColumn,
} from '../extensions/table.js';
import type { ClientHelloEvent, HelloEvent, ServerHelloEvent } from '../handshake.js';
import { AlertError } from '../reasons.js';
import { ja4 } from './ja4.js';

/** A key share of a hello; a HelloRetryRequest names only the group. */
export interface ToldKeyShare {
  /** A number where the group has no name here. */
  readonly group: NamedGroup | number;
  readonly keyExchange?: Uint8Array;
}

/** Keys that a client offers by name, and that it has them. */
export interface ToldPsks {
  readonly identities: readonly { readonly identity: Uint8Array; readonly obfuscatedTicketAge: number }[];
  readonly binders: readonly Uint8Array[];
}

/**
 * The peer's hello at a pause, by OTP's names; what is not there is `undefined`. Names and numbers that nobody knows are
 * left out of lists.
 */
export interface HelloExtensions {
  /** server_name of a client, in its one form: lower case, Unicode as A-labels. */
  readonly sni?: string | undefined;
  /** The list as it travels (RFC 7301 §3.1): a byte of length, then the name, one after the other. */
  readonly alpn?: Uint8Array | undefined;
  readonly signatureAlgs?: readonly SignatureSchemeName[] | undefined;
  readonly signatureAlgsCert?: readonly SignatureSchemeName[] | undefined;
  /** Groups by name in all versions, where OTP has OIDs before TLS 1.3. */
  readonly ellipticCurves?: readonly NamedGroup[] | undefined;
  /** RFC 5764 */
  readonly useSrtp?: SrtpTerms | undefined;
  readonly ecPointFormats?: readonly number[] | undefined;
  readonly renegotiationInfo?: Uint8Array | undefined;
  readonly nextProtocolNegotiation?: Uint8Array | undefined;
  /** The user's name (RFC 5054 §2.8.1). */
  readonly srp?: Uint8Array | undefined;
  /** 1 to 4: 512 to 4096 bytes (RFC 6066 §4). */
  readonly maxFragEnum?: number | undefined;
  /** A client's shares, a server's one share. */
  readonly keyShare?: readonly ToldKeyShare[] | ToldKeyShare | undefined;
  readonly clientHelloVersions?: readonly ProtocolVersion[] | undefined;
  readonly serverHelloSelectedVersion?: ProtocolVersion | undefined;
  /** What a client offers, or the number of what the server has chosen. */
  readonly preSharedKey?: ToldPsks | number | undefined;
  readonly pskKeyExchangeModes?: readonly ('psk_ke' | 'psk_dhe_ke')[] | undefined;
  readonly cookie?: Uint8Array | undefined;
  /** DER names. */
  readonly certificateAuthorities?: readonly Uint8Array[] | undefined;
  /** Ours: the client's whole message, its header of four bytes too. */
  readonly clientHello?: Uint8Array | undefined;
  /** Ours: the client's JA4 fingerprint. */
  readonly ja4?: string | undefined;
}

/** What is told of a hello. Throws `AlertError` and `DecodeError` when it is not well formed: nobody pauses for that. */
export function helloExtensions(hello: HelloEvent, sha256: HashFunction): HelloExtensions {
  return hello.type === 'client_hello' ? ofClient(hello, sha256) : ofServer(hello);
}

/** The name that a hello asks for; `undefined` also when it is none, which is for the handshake to judge. */
export function requestedName({ extensions }: ClientHello): HostName | undefined {
  const extension = extensions.find(({ extensionType }) => extensionType === serverNameOffer.code);
  if (extension === undefined) return undefined;
  try {
    const into: { serverName: readonly ServerName[] | undefined } = { serverName: undefined };
    serverNameOffer.read(new Reader(extension.extensionData), into);
    return hostName(into.serverName);
  } catch (error) {
    if (error instanceof AlertError || error instanceof DecodeError) return undefined;
    throw error;
  }
}

function ofClient({ body, raw }: ClientHelloEvent, sha256: HashFunction): HelloExtensions {
  const read = readExtensions(clientHelloColumn, body.extensions);
  const { preSharedKey } = read;
  return {
    sni: hostName(read.serverName),
    alpn: read.alpn && protocolList(read.alpn),
    useSrtp: read.useSrtp && toldSrtp(read.useSrtp),
    signatureAlgs: schemeNames(read.signatureAlgorithms),
    signatureAlgsCert: schemeNames(read.signatureAlgorithmsCert),
    ellipticCurves: read.supportedGroups?.flatMap((code) => groupByCode(code) ?? []),
    ecPointFormats: read.ecPointFormats,
    renegotiationInfo: copyOf(read.renegotiationInfo),
    ...olderOf(body.extensions),
    keyShare: read.keyShare?.map(toldShare),
    clientHelloVersions: read.supportedVersions?.flatMap((code) => versionByCode(code)?.name ?? []),
    preSharedKey: preSharedKey && {
      identities: preSharedKey.identities.map((psk) => ({ ...psk, identity: new Uint8Array(psk.identity) })),
      binders: copies(preSharedKey.binders),
    },
    pskKeyExchangeModes: read.pskKeyExchangeModes?.flatMap((mode) => pskModes[mode] ?? []),
    cookie: copyOf(read.cookie),
    certificateAuthorities: read.certificateAuthorities && copies(read.certificateAuthorities),
    clientHello: new Uint8Array(raw),
    ja4: ja4(body, read, sha256),
  };
}

function ofServer({ body }: ServerHelloEvent): HelloExtensions {
  if (isHelloRetryRequest(body)) return ofRetry(body);
  return body.extensions.some(({ extensionType }) => extensionType === selectedVersion.code)
    ? of13(body)
    : of12(body);
}

function ofRetry({ extensions }: ServerHello): HelloExtensions {
  const {
    selectedGroup,
    selectedVersion: version,
    cookie,
  } = readExtensions(helloRetryRequestColumn, extensions);
  return {
    keyShare: selectedGroup === undefined ? undefined : { group: groupName(selectedGroup) },
    serverHelloSelectedVersion: versionName(version),
    cookie: copyOf(cookie),
  };
}

function of13({ extensions }: ServerHello): HelloExtensions {
  const { keyShare, selectedVersion: version, preSharedKey } = readExtensions(serverHelloColumn, extensions);
  return {
    keyShare: keyShare && toldShare(keyShare),
    serverHelloSelectedVersion: versionName(version),
    preSharedKey,
  };
}

function of12({ extensions }: ServerHello): HelloExtensions {
  const { alpn, useSrtp, ecPointFormats, renegotiationInfo } = readExtensions(
    serverHello12Column,
    extensions,
  );
  return {
    alpn: alpn && protocolList([alpn]),
    useSrtp: useSrtp && toldSrtp(useSrtp),
    ecPointFormats,
    renegotiationInfo: copyOf(renegotiationInfo),
    ...olderOf(extensions),
  };
}

/** Copies: the hello is long gone when they are read. */
function toldSrtp({ protectionProfiles, mki }: SrtpTerms): SrtpTerms {
  return { protectionProfiles: copies(protectionProfiles), mki: new Uint8Array(mki) };
}

/** Extensions that we do not speak, and OTP tells of. */
function olderOf(
  extensions: readonly RawExtension[],
): Pick<HelloExtensions, 'srp' | 'maxFragEnum' | 'nextProtocolNegotiation'> {
  const data = (code: number): Uint8Array | undefined =>
    extensions.find(({ extensionType }) => extensionType === code)?.extensionData;
  return {
    // Behind its byte of length.
    srp: copyOf(data(12)?.subarray(1)),
    maxFragEnum: data(1)?.[0],
    nextProtocolNegotiation: copyOf(data(13_172)),
  };
}

const pskModes: readonly ('psk_ke' | 'psk_dhe_ke')[] = ['psk_ke', 'psk_dhe_ke'];

function toldShare({ group, keyExchange }: KeyShareEntry): ToldKeyShare {
  return { group: groupName(group), keyExchange: new Uint8Array(keyExchange) };
}

function groupName(code: number): NamedGroup | number {
  return groupByCode(code) ?? code;
}

function versionName(code: number | undefined): ProtocolVersion | undefined {
  return code === undefined ? undefined : versionByCode(code)?.name;
}

function schemeNames(codes: readonly number[] | undefined): readonly SignatureSchemeName[] | undefined {
  return codes?.flatMap((code) => schemeByCode(code)?.name ?? []);
}

function protocolList(protocols: readonly Uint8Array[]): Uint8Array {
  const writer = new Writer();
  for (const protocol of protocols) opaque8(1, 255).encode(writer, protocol);
  return writer.finish();
}

function copyOf(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes && new Uint8Array(bytes);
}

function copies(list: readonly Uint8Array[]): readonly Uint8Array[] {
  return list.map((bytes) => new Uint8Array(bytes));
}
