/** ServerHello and HelloRetryRequest (RFC 8446 §4.1.3, §4.1.4): what a server says in them, and what a client checks. */
import type { CryptoEngine, Group, GroupName } from '../../values/crypto/engine.js';
import { groupCode } from '../../values/registry/groups.js';
import type { ClientHello } from '../../values/wire/messages/client-hello.js';
import type { RawExtension } from '../../values/wire/messages/extension.js';
import { helloRetryRequestRandom, type ServerHello } from '../../values/wire/messages/server-hello.js';
import { sameBytes } from '../../values/wire/same-bytes.js';
import { type AgreedConnectionIds, connectionIdAnswer } from '../extensions/connection-id.js';
import {
  type HelloRetryRequestExtensions,
  helloRetryRequestColumn,
  serverHelloColumn,
  writeExtensions,
} from '../extensions/table.js';
import { shareOf, type Tls13Offer } from '../hello/client-hello.js';
import { type Suite, tls13Suite } from '../hello/suite.js';
import { AlertError } from '../reasons.js';
import type { ClientSettings } from '../settings.js';
import { type Dialect13, dialect13 } from './dialect.js';

/** What the ServerHello settles of the key exchange. */
interface KeyExchangeAnswer {
  readonly group: Group;
  /** Our share. */
  readonly publicKey: Uint8Array;
  /** The place of the key that is used, in the client's list. */
  readonly preSharedKey: number | undefined;
  readonly connectionIds: AgreedConnectionIds | undefined;
}

/** §4.1.3 */
export function serverHello(
  hello: ClientHello,
  suite: Suite,
  random: Uint8Array,
  { group, publicKey, preSharedKey, connectionIds }: KeyExchangeAnswer,
  dialect: Dialect13,
): ServerHello {
  const { selectedVersion } = dialect;
  const keyShare = { group: groupCode(group.name), keyExchange: publicKey };
  const extensions = writeExtensions(serverHelloColumn, {
    ...{ keyShare, selectedVersion, preSharedKey },
    ...connectionIdAnswer(connectionIds),
  });
  return answer(hello, suite, random, extensions, dialect);
}

/** §4.1.4: asks for a share of the group, and for the cookie, or for one of them. */
export function helloRetryRequest(
  hello: ClientHello,
  suite: Suite,
  group: Group | undefined,
  cookie: Uint8Array | undefined,
  dialect: Dialect13,
): ServerHello {
  const { selectedVersion } = dialect;
  const extensions = writeExtensions(helloRetryRequestColumn, {
    selectedGroup: group && groupCode(group.name),
    cookie,
    selectedVersion,
  });
  return answer(hello, suite, helloRetryRequestRandom, extensions, dialect);
}

function answer(
  hello: ClientHello,
  { row }: Suite,
  random: Uint8Array,
  extensions: readonly RawExtension[],
  { legacyVersion, echo }: Dialect13,
): ServerHello {
  return {
    legacyVersion,
    random,
    legacySessionIdEcho: echo(hello),
    cipherSuite: row.id,
    legacyCompressionMethod: 0,
    extensions,
  };
}

/** What both must say alike (§4.1.3, §4.1.4); answers the suite. */
export function checkServerHello(
  body: ServerHello,
  offer: Tls13Offer,
  { ciphers, versions }: ClientSettings,
  engine: CryptoEngine,
): Suite {
  const { legacyVersion, echo } = dialect13({ versions });
  if (body.legacyVersion !== legacyVersion) throw new AlertError('wrong_legacy_version');
  if (!sameBytes(body.legacySessionIdEcho, echo(offer.hello))) {
    throw new AlertError('wrong_session_id_echo');
  }
  const row = ciphers.find(({ id }) => id === body.cipherSuite);
  const suite = row === undefined ? undefined : tls13Suite(row, engine);
  if (suite === undefined) throw new AlertError('wrong_cipher_suite', { cipher: body.cipherSuite });
  if (body.legacyCompressionMethod !== 0) throw new AlertError('wrong_compression');
  return suite;
}

/** §4.1.4: asks for something that can be given; answers the group whose share is asked for, if one is. */
export function retriedGroup(
  { selectedGroup, cookie }: HelloRetryRequestExtensions,
  offer: Tls13Offer,
  { supportedGroups }: ClientSettings,
): GroupName | undefined {
  if (selectedGroup === undefined) {
    if (cookie === undefined) throw new AlertError('useless_retry');
    return undefined;
  }
  const group = supportedGroups.find((name) => groupCode(name) === selectedGroup);
  if (group === undefined || !offer.extensions.supportedGroups?.includes(selectedGroup)) {
    throw new AlertError('wrong_group', { group: selectedGroup });
  }
  if (shareOf(offer, selectedGroup) !== undefined) throw new AlertError('retry_for_known_share');
  return group;
}
