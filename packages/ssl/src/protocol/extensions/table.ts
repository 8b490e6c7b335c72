/**
 * Which extension may stand in which message (the table of RFC 8446 §4.2, and the ServerHello of TLS 1.2). This file
 * alone finds unknown, duplicate, unsolicited and misplaced extensions; what they mean is in a file each.
 */

import type { SrtpTerms } from '../../values/srtp.js';
import type { RawExtension } from '../../values/wire/messages/extension.js';
import { DecodeError, Reader } from '../../values/wire/reader.js';
import { AlertError } from '../reasons.js';
import { alpnOffer, alpnSelection } from './alpn.js';
import { certificateAuthorities } from './certificate-authorities.js';
import { compressCertificate } from './compress-certificate.js';
import { type ConnectionId, connectionId } from './connection-id.js';
import { cookie, cookieCode } from './cookie.js';
import { earlyDataAcceptance, earlyDataOffer, maxEarlyDataSize } from './early-data.js';
import { ecPointFormats } from './ec-point-formats.js';
import { encryptThenMac } from './encrypt-then-mac.js';
import { extendedMasterSecret } from './extended-master-secret.js';
import type { FieldOf } from './field.js';
import { type KeyShareEntry, keyShareAnswer, keyShareOffer, selectedGroup } from './key-share.js';
import { maxFragmentLength } from './max-fragment-length.js';
import { nextProtocols, nextProtocolWish } from './next-protocols.js';
import { postHandshakeAuth } from './post-handshake-auth.js';
import {
  type OfferedPsks,
  preSharedKeyOffer,
  preSharedKeySelection,
  pskKeyExchangeModes,
} from './pre-shared-key.js';
import { recordSizeLimit } from './record-size-limit.js';
import { renegotiationInfo } from './renegotiation-info.js';
import { returnRoutability } from './return-routability.js';
import { type ServerName, serverNameOffer, serverNameUsed } from './server-name.js';
import { sessionTicketOffer, sessionTicketPromise } from './session-ticket.js';
import { signatureAlgorithms, signatureAlgorithmsCert } from './signature-algorithms.js';
import { srpUser } from './srp.js';
import {
  certificateStatus,
  type StatusRequest,
  statusAccepted,
  statusRequest,
  statusWanted,
} from './status-request.js';
import { supportedGroupsHint, supportedGroupsOffer } from './supported-groups.js';
import { selectedVersion, supportedVersionsOffer } from './supported-versions.js';
import { useSrtp } from './use-srtp.js';

export interface ClientHelloExtensions {
  serverName: readonly ServerName[] | undefined;
  encryptThenMac: true | undefined;
  maxFragmentLength: number | undefined;
  extendedMasterSecret: true | undefined;
  ecPointFormats: readonly number[] | undefined;
  supportedGroups: readonly number[] | undefined;
  alpn: readonly Uint8Array[] | undefined;
  statusRequest: StatusRequest | 'unknown' | undefined;
  recordSizeLimit: number | undefined;
  compressCertificate: readonly number[] | undefined;
  signatureAlgorithms: readonly number[] | undefined;
  signatureAlgorithmsCert: readonly number[] | undefined;
  supportedVersions: readonly number[] | undefined;
  cookie: Uint8Array | undefined;
  certificateAuthorities: readonly Uint8Array[] | undefined;
  postHandshakeAuth: true | undefined;
  pskKeyExchangeModes: readonly number[] | undefined;
  keyShare: readonly KeyShareEntry[] | undefined;
  earlyData: true | undefined;
  renegotiationInfo: Uint8Array | undefined;
  srpUser: Uint8Array | undefined;
  nextProtocolWish: true | undefined;
  sessionTicket: Uint8Array | undefined;
  useSrtp: SrtpTerms | undefined;
  connectionId: ConnectionId | undefined;
  returnRoutability: true | undefined;
  preSharedKey: OfferedPsks | undefined;
}

export interface ServerHelloExtensions {
  keyShare: KeyShareEntry | undefined;
  selectedVersion: number | undefined;
  preSharedKey: number | undefined;
  connectionId: ConnectionId | undefined;
  returnRoutability: true | undefined;
}

/** The ServerHello of TLS 1.2, which answers all that the client offered. */
export interface ServerHello12Extensions {
  serverName: true | undefined;
  encryptThenMac: true | undefined;
  extendedMasterSecret: true | undefined;
  renegotiationInfo: Uint8Array | undefined;
  ecPointFormats: readonly number[] | undefined;
  /** Some servers say theirs; RFC 8422 does not let them, and nobody minds. */
  supportedGroups: readonly number[] | undefined;
  alpn: Uint8Array | undefined;
  nextProtocols: readonly Uint8Array[] | undefined;
  statusAccepted: true | undefined;
  maxFragmentLength: number | undefined;
  recordSizeLimit: number | undefined;
  sessionTicketPromised: true | undefined;
  useSrtp: SrtpTerms | undefined;
  connectionId: ConnectionId | undefined;
  returnRoutability: true | undefined;
}

export interface HelloRetryRequestExtensions {
  selectedGroup: number | undefined;
  selectedVersion: number | undefined;
  cookie: Uint8Array | undefined;
}

export interface EncryptedExtensionsSet {
  serverName: true | undefined;
  supportedGroups: readonly number[] | undefined;
  maxFragmentLength: number | undefined;
  alpn: Uint8Array | undefined;
  recordSizeLimit: number | undefined;
  earlyData: true | undefined;
  useSrtp: SrtpTerms | undefined;
}

export interface CertificateRequestExtensions {
  signatureAlgorithms: readonly number[] | undefined;
  signatureAlgorithmsCert: readonly number[] | undefined;
  certificateAuthorities: readonly Uint8Array[] | undefined;
  statusWanted: Uint8Array | undefined;
  compressCertificate: readonly number[] | undefined;
}

export interface CertificateEntryExtensions {
  certificateStatus: Uint8Array | undefined;
}

export interface NewSessionTicketExtensions {
  maxEarlyDataSize: number | undefined;
}

/** A message's column of the table; fields in the order we send them. */
export interface Column<Extensions> {
  readonly fields: readonly FieldOf<Extensions>[];
  /** A set without any extension. */
  none(): Extensions;
}

export const clientHelloColumn: Column<ClientHelloExtensions> = {
  fields: [
    serverNameOffer,
    encryptThenMac,
    maxFragmentLength,
    extendedMasterSecret,
    ecPointFormats,
    supportedGroupsOffer,
    alpnOffer,
    statusRequest,
    recordSizeLimit,
    compressCertificate,
    signatureAlgorithms,
    signatureAlgorithmsCert,
    supportedVersionsOffer,
    cookie,
    certificateAuthorities,
    postHandshakeAuth,
    pskKeyExchangeModes,
    keyShareOffer,
    earlyDataOffer,
    renegotiationInfo,
    srpUser,
    nextProtocolWish,
    sessionTicketOffer,
    useSrtp,
    connectionId,
    returnRoutability,
    preSharedKeyOffer,
  ],
  none: () => ({
    serverName: undefined,
    encryptThenMac: undefined,
    maxFragmentLength: undefined,
    extendedMasterSecret: undefined,
    ecPointFormats: undefined,
    supportedGroups: undefined,
    alpn: undefined,
    statusRequest: undefined,
    recordSizeLimit: undefined,
    compressCertificate: undefined,
    signatureAlgorithms: undefined,
    signatureAlgorithmsCert: undefined,
    supportedVersions: undefined,
    cookie: undefined,
    certificateAuthorities: undefined,
    postHandshakeAuth: undefined,
    pskKeyExchangeModes: undefined,
    keyShare: undefined,
    earlyData: undefined,
    renegotiationInfo: undefined,
    srpUser: undefined,
    nextProtocolWish: undefined,
    sessionTicket: undefined,
    useSrtp: undefined,
    connectionId: undefined,
    returnRoutability: undefined,
    preSharedKey: undefined,
  }),
};

export const serverHelloColumn: Column<ServerHelloExtensions> = {
  fields: [preSharedKeySelection, keyShareAnswer, selectedVersion, connectionId, returnRoutability],
  none: () => ({
    keyShare: undefined,
    selectedVersion: undefined,
    preSharedKey: undefined,
    connectionId: undefined,
    returnRoutability: undefined,
  }),
};

export const serverHello12Column: Column<ServerHello12Extensions> = {
  fields: [
    renegotiationInfo,
    serverNameUsed,
    encryptThenMac,
    extendedMasterSecret,
    ecPointFormats,
    supportedGroupsHint,
    alpnSelection,
    nextProtocols,
    statusAccepted,
    maxFragmentLength,
    recordSizeLimit,
    sessionTicketPromise,
    useSrtp,
    connectionId,
    returnRoutability,
  ],
  none: () => ({
    renegotiationInfo: undefined,
    serverName: undefined,
    encryptThenMac: undefined,
    extendedMasterSecret: undefined,
    ecPointFormats: undefined,
    supportedGroups: undefined,
    alpn: undefined,
    nextProtocols: undefined,
    statusAccepted: undefined,
    maxFragmentLength: undefined,
    recordSizeLimit: undefined,
    sessionTicketPromised: undefined,
    useSrtp: undefined,
    connectionId: undefined,
    returnRoutability: undefined,
  }),
};

export const helloRetryRequestColumn: Column<HelloRetryRequestExtensions> = {
  fields: [selectedGroup, cookie, selectedVersion],
  none: () => ({ selectedGroup: undefined, cookie: undefined, selectedVersion: undefined }),
};

export const encryptedExtensionsColumn: Column<EncryptedExtensionsSet> = {
  fields: [
    supportedGroupsHint,
    serverNameUsed,
    maxFragmentLength,
    alpnSelection,
    recordSizeLimit,
    earlyDataAcceptance,
    useSrtp,
  ],
  none: () => ({
    supportedGroups: undefined,
    serverName: undefined,
    maxFragmentLength: undefined,
    alpn: undefined,
    recordSizeLimit: undefined,
    earlyData: undefined,
    useSrtp: undefined,
  }),
};

export const certificateRequestColumn: Column<CertificateRequestExtensions> = {
  fields: [
    signatureAlgorithms,
    signatureAlgorithmsCert,
    certificateAuthorities,
    statusWanted,
    compressCertificate,
  ],
  none: () => ({
    signatureAlgorithms: undefined,
    signatureAlgorithmsCert: undefined,
    certificateAuthorities: undefined,
    statusWanted: undefined,
    compressCertificate: undefined,
  }),
};

export const certificateEntryColumn: Column<CertificateEntryExtensions> = {
  fields: [certificateStatus],
  none: () => ({ certificateStatus: undefined }),
};

export const newSessionTicketColumn: Column<NewSessionTicketExtensions> = {
  fields: [maxEarlyDataSize],
  none: () => ({ maxEarlyDataSize: undefined }),
};

/** Every extension we understand in some message. */
const understood: ReadonlySet<number> = new Set(
  [
    clientHelloColumn,
    serverHelloColumn,
    serverHello12Column,
    helloRetryRequestColumn,
    encryptedExtensionsColumn,
    certificateRequestColumn,
    certificateEntryColumn,
    newSessionTicketColumn,
  ].flatMap((column) => column.fields.map(({ code }) => code)),
);

/** Extensions of a message that starts a subject: ClientHello, CertificateRequest, NewSessionTicket. Unknown ones are ignored. */
export function readExtensions<Extensions>(
  column: Column<Extensions>,
  raw: readonly RawExtension[],
): Extensions {
  return read(column, raw, undefined);
}

/** Extensions of a message that answers one that had the extensions `asked`; cookie alone may come unasked (§4.2). */
export function readAnswer<Extensions>(
  column: Column<Extensions>,
  raw: readonly RawExtension[],
  asked: readonly RawExtension[],
): Extensions {
  return read(column, raw, asked);
}

/** The extensions of a set, in the order we send them. */
export function writeExtensions<Extensions>(
  column: Column<Extensions>,
  set: Extensions,
): readonly RawExtension[] {
  const raw: RawExtension[] = [];
  for (const field of column.fields) {
    const extension = field.write(set);
    if (extension !== undefined) raw.push(extension);
  }
  return raw;
}

function read<Extensions>(
  column: Column<Extensions>,
  raw: readonly RawExtension[],
  asked: readonly RawExtension[] | undefined,
): Extensions {
  const set = column.none();
  const seen = new Set<number>();
  raw.forEach(({ extensionType: code, extensionData }, index) => {
    if (seen.has(code)) throw new AlertError('duplicate_extension', { extension: code });
    seen.add(code);
    if (
      asked !== undefined &&
      code !== cookieCode &&
      !asked.some(({ extensionType }) => extensionType === code)
    ) {
      throw new AlertError('unsolicited_extension', { extension: code });
    }
    const field = column.fields.find((candidate) => candidate.code === code);
    if (field === undefined) {
      if (understood.has(code)) throw new AlertError('misplaced_extension', { extension: code });
      return;
    }
    if (field === preSharedKeyOffer && index !== raw.length - 1)
      throw new AlertError('pre_shared_key_not_last');
    decodeInto(field, extensionData, set);
  });
  return set;
}

function decodeInto<Extensions>(field: FieldOf<Extensions>, data: Uint8Array, set: Extensions): void {
  const reader = new Reader(data);
  try {
    field.read(reader, set);
    reader.end();
  } catch (error) {
    if (error instanceof DecodeError) throw new AlertError('malformed_extension', { extension: field.code });
    throw error;
  }
}
