/**
 * What a server checks in a ClientHello (RFC 8446 §4.1.2, §9.2), and in the one that follows a HelloRetryRequest.
 */
import type { Group } from '../../values/crypto/engine.js';
import { groupCode } from '../../values/registry/groups.js';
import type { ClientHello } from '../../values/wire/messages/client-hello.js';
import type { RawExtension } from '../../values/wire/messages/extension.js';
import { sameBytes } from '../../values/wire/same-bytes.js';
import { cookieCode } from '../extensions/cookie.js';
import { earlyDataOffer } from '../extensions/early-data.js';
import { checkShares, type KeyShareEntry, keyShareOffer } from '../extensions/key-share.js';
import { preSharedKeyOffer } from '../extensions/pre-shared-key.js';
import type { ClientHelloExtensions } from '../extensions/table.js';
import { AlertError } from '../reasons.js';
import { checkBinderCount } from './psk.js';

/** padding, RFC 7685: may come and go between the hellos (§4.1.2). */
const paddingCode = 21;
/** encrypted_client_hello: a client that uses it encrypts its second hello anew, whether the server knows it or not. */
const encryptedClientHelloCode = 0xfe0d;

/** Extensions that may change between the hellos (§4.1.2). */
const changeable: ReadonlySet<number> = new Set([
  keyShareOffer.code,
  earlyDataOffer.code,
  cookieCode,
  preSharedKeyOffer.code,
  paddingCode,
  encryptedClientHelloCode,
]);

/** Extensions of a hello that has all it must have, a certificate or not. */
type CompleteExtensions = ClientHelloExtensions & {
  readonly supportedGroups: readonly number[];
  readonly keyShare: readonly KeyShareEntry[];
};

/** §4.1.2, §9.2: nothing is missing, and what belongs together fits. */
export function checkClientHello(
  { legacyCompressionMethods, cookie }: ClientHello,
  extensions: ClientHelloExtensions,
): asserts extensions is CompleteExtensions {
  if (cookie !== undefined && cookie.length > 0) throw new AlertError('wrong_legacy_cookie');
  if (legacyCompressionMethods.length !== 1 || legacyCompressionMethods[0] !== 0) {
    throw new AlertError('wrong_compression');
  }
  const { preSharedKey, signatureAlgorithms, supportedGroups, keyShare } = extensions;
  if (preSharedKey !== undefined) {
    if (extensions.pskKeyExchangeModes === undefined) throw new AlertError('missing_psk_modes');
    checkBinderCount(preSharedKey);
  } else if (signatureAlgorithms === undefined) {
    throw new AlertError('missing_signature_algorithms');
  }
  if (supportedGroups === undefined) throw new AlertError('missing_supported_groups');
  if (keyShare === undefined) throw new AlertError('missing_key_share');
  checkShares(keyShare, supportedGroups);
}

/** §4.1.2: the same hello but for what may change. */
export function checkSameHello(first: ClientHello, second: ClientHello): void {
  if (!isSameHello(first, second)) throw new AlertError('client_hello_changed');
}

/** §4.1.2: what a second hello says anew; answers the share that was asked for. */
export function checkRetriedParts(
  { earlyData, keyShare, preSharedKey }: ClientHelloExtensions,
  group: Group,
): Uint8Array {
  if (earlyData) throw new AlertError('client_hello_changed');
  if (keyShare === undefined) throw new AlertError('missing_key_share');
  const [entry, ...others] = keyShare;
  if (entry === undefined || others.length > 0 || entry.group !== groupCode(group.name)) {
    throw new AlertError('wrong_group');
  }
  if (preSharedKey !== undefined) checkBinderCount(preSharedKey);
  return entry.keyExchange;
}

/** The same where no share was asked for, since the first hello had one of the group: answers it. */
export function checkKeptParts(
  { earlyData, keyShare, preSharedKey }: ClientHelloExtensions,
  group: Group,
): Uint8Array {
  if (earlyData) throw new AlertError('client_hello_changed');
  if (keyShare === undefined) throw new AlertError('missing_key_share');
  const entry = keyShare.find((share) => share.group === groupCode(group.name));
  if (entry === undefined) throw new AlertError('wrong_group');
  if (preSharedKey !== undefined) checkBinderCount(preSharedKey);
  return entry.keyExchange;
}

/**
 * The hello without what may change, extensions in the order of their codes: the order they had says nothing (§4.2), and
 * wolfSSL's clients change it, whose second hello begins with supported_versions and the cookie.
 */
export function lastingPart(hello: ClientHello): ClientHello {
  const extensions = hello.extensions
    .filter(({ extensionType }) => !changeable.has(extensionType))
    .toSorted((one, other) => one.extensionType - other.extensionType);
  return { ...hello, extensions };
}

/** The second hello is the first, without modification but for those above. */
function isSameHello(first: ClientHello, second: ClientHello): boolean {
  const { extensions: lasting } = lastingPart(first);
  const { extensions: again } = lastingPart(second);
  return (
    first.legacyVersion === second.legacyVersion &&
    sameBytes(first.random, second.random) &&
    sameBytes(first.legacySessionId, second.legacySessionId) &&
    first.cipherSuites.length === second.cipherSuites.length &&
    first.cipherSuites.every((suite, index) => suite === second.cipherSuites[index]) &&
    sameBytes(first.legacyCompressionMethods, second.legacyCompressionMethods) &&
    lasting.length === again.length &&
    lasting.every((extension, index) => isSameExtension(extension, again[index]))
  );
}

function isSameExtension(one: RawExtension, other: RawExtension | undefined): boolean {
  return one.extensionType === other?.extensionType && sameBytes(one.extensionData, other.extensionData);
}
