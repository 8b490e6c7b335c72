/**
 * A server that keeps nothing between the hellos (RFC 8446 §4.2.2): what it has to know of the first one when the second
 * comes travels in the cookie of its HelloRetryRequest, sealed.
 *
 * Of the first hello these are its hash, from which the transcript goes on (§4.4.1), and a hash of what may not change
 * (§4.1.2); of our answer, suite and group, which make the HelloRetryRequest once more, with the cookie as it came.
 */
import type { Group } from '../../values/crypto/engine.js';
import { groupCode } from '../../values/registry/groups.js';
import { type Codec, decodeAll, encodeAll, opaque8, struct, uint8, uint16 } from '../../values/wire/codec.js';
import type { ClientHello } from '../../values/wire/messages/client-hello.js';
import { DecodeError } from '../../values/wire/reader.js';
import { sameBytes } from '../../values/wire/same-bytes.js';
import { encodeHandshake } from '../../values/wire/tls13-messages.js';
import type { ServerContext } from '../contexts.js';
import { type Suite, tls13Suite } from '../hello/suite.js';
import { AlertError } from '../reasons.js';
import type { CookieSealer } from '../settings.js';
import { Transcript } from '../transcript.js';
import { lastingPart } from './check-client-hello.js';
import type { GroupChoice, Selection } from './choose.js';
import { dialect13 } from './dialect.js';
import { helloRetryRequest } from './server-hello.js';

/** bytes: nobody but the client itself could gain by another hello with the same hash, and a cookie is to be short. */
const lastingLength = 8;

interface Content {
  readonly cipherSuite: number;
  readonly group: number;
  /** A share of the group was asked for: there was none in the first hello. */
  readonly asked: number;
  /** 1: the first hello had early_data. */
  readonly earlyData: number;
  /** Hash of the first hello, by the suite's. */
  readonly hello: Uint8Array;
  /** Hash of what of it may not change. */
  readonly lasting: Uint8Array;
}

const content: Codec<Content> = struct<Content>({
  cipherSuite: uint16,
  group: uint16,
  asked: uint8,
  earlyData: uint8,
  hello: opaque8(0, 255),
  lasting: opaque8(0, 255),
});

/** The cookie for a hello that is answered by a retry. The transcript ends with that hello. */
export function retryCookie(
  { hello, extensions, suite }: Pick<Selection, 'hello' | 'extensions' | 'suite'>,
  transcript: Transcript,
  { kind, group }: GroupChoice,
  cookies: CookieSealer,
): Uint8Array {
  return cookies.seal(
    encodeAll(content, {
      cipherSuite: suite.row.id,
      group: groupCode(group.name),
      asked: kind === 'retry' ? 1 : 0,
      earlyData: extensions.earlyData === true ? 1 : 0,
      hello: transcript.digest(),
      lasting: lastingHash(hello, suite),
    }),
  );
}

/** What the cookie of a second hello tells. */
interface Remembered {
  /** That of the HelloRetryRequest: whoever made it may have had other preferences, as options by name may be. */
  readonly suite: Suite;
  readonly group: Group;
  /** Whether a share of it was asked for. */
  readonly asked: boolean;
  /** Ends with the HelloRetryRequest. */
  readonly transcript: Transcript;
  /** Of the first hello. */
  readonly earlyData: true | undefined;
}

/** Throws `wrong_cookie`, `client_hello_changed`. */
export function rememberRetry(
  cookie: Uint8Array,
  hello: ClientHello,
  { config, dependencies: { engine, cookies } }: ServerContext,
): Remembered {
  const opened = cookies?.open(cookie);
  const known = opened && read(opened);
  const name = config.supportedGroups.find((one) => groupCode(one) === known?.group);
  const group = name && engine.group(name);
  if (known === undefined || group === undefined) throw new AlertError('wrong_cookie');
  const { cipherSuite } = known;
  const row = config.ciphers.find(({ id }) => id === cipherSuite && hello.cipherSuites.includes(id));
  const suite = row && tls13Suite(row, engine);
  if (suite === undefined || !sameBytes(known.lasting, lastingHash(hello, suite)))
    throw new AlertError('client_hello_changed');
  const transcript = Transcript.after(suite.hash, known.hello);
  const asked = known.asked === 1;
  const retry = helloRetryRequest(hello, suite, asked ? group : undefined, cookie, dialect13(config));
  transcript.add(encodeHandshake('server_hello', retry));
  return { suite, group, asked, transcript, earlyData: known.earlyData === 1 || undefined };
}

function lastingHash(hello: ClientHello, { hash }: Suite): Uint8Array {
  return hash.digest(encodeHandshake('client_hello', lastingPart(hello))).subarray(0, lastingLength);
}

/** A node of another make may share our key, and not our shape. */
function read(bytes: Uint8Array): Content | undefined {
  try {
    return decodeAll(content, bytes);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
