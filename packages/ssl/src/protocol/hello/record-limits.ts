/**
 * What the hellos agree on about the length of records: max_fragment_length (RFC 6066 §4), one length for both
 * directions, which the client asks for; record_size_limit (RFC 8449), what each side is willing to take. Never both:
 * with the second the first counts for nothing (RFC 8449 §5).
 */
import type { MessageChannel } from '../channel.js';
import { lengthOfCode } from '../extensions/max-fragment-length.js';
import { leastRecordSizeLimit } from '../extensions/record-size-limit.js';
import { AlertError } from '../reasons.js';
import { MAX_PLAINTEXT } from '../record/content-type.js';
import type { RecordLimit } from '../record/record-limit.js';
import type { ServerSettings } from '../settings.js';
import type { Dialect } from './version.js';

/** `undefined`: as long as ever. */
export interface RecordLimits {
  readonly reading: RecordLimit | undefined;
  readonly writing: RecordLimit | undefined;
  /** Bytes, if it was agreed on. */
  readonly maxFragmentLength: number | undefined;
}

/** The two extensions, as they are in a hello or in the answer. */
interface LimitExtensions {
  readonly maxFragmentLength: number | undefined;
  readonly recordSizeLimit: number | undefined;
}

/** What a server answers, and what holds from then on. */
interface ServerLimits {
  readonly limits: RecordLimits;
  readonly answer: LimitExtensions;
}

const unlimited: RecordLimits = { reading: undefined, writing: undefined, maxFragmentLength: undefined };
const nothingSaid: ServerLimits = {
  limits: unlimited,
  answer: { maxFragmentLength: undefined, recordSizeLimit: undefined },
};

/** Bytes beside the content that record_size_limit counts: in TLS 1.3 the content's type. */
const typeLengths: Readonly<Record<Dialect, number>> = { tls13: 1, tls12: 0 };

/** Bytes that record_size_limit may be at most in the version (RFC 8449 §4). */
export function longestRecord(dialect: Dialect): number {
  return MAX_PLAINTEXT + typeLengths[dialect];
}

/** Throws `wrong_max_fragment_length`, `wrong_record_size_limit`. */
export function answerRecordLimits(
  { maxFragmentLength, recordSizeLimit }: LimitExtensions,
  config: Pick<ServerSettings, 'recordSizeLimit'>,
  dialect: Dialect,
): ServerLimits {
  if (recordSizeLimit !== undefined) {
    // A client may say more than we know of: a version to come may allow it (§4).
    checkLeast(recordSizeLimit);
    const most = longestRecord(dialect);
    const own = Math.min(config.recordSizeLimit ?? most, most);
    return {
      limits: sizeLimits(own, recordSizeLimit, dialect),
      answer: { maxFragmentLength: undefined, recordSizeLimit: own },
    };
  }
  return maxFragmentLength === undefined
    ? nothingSaid
    : {
        limits: fragmentLimits(maxFragmentLength),
        answer: { maxFragmentLength, recordSizeLimit: undefined },
      };
}

/** What holds after a server's answer to what we offered. Throws like `answerRecordLimits`. */
export function acceptRecordLimits(
  offered: LimitExtensions,
  answered: LimitExtensions,
  dialect: Dialect,
): RecordLimits {
  const { maxFragmentLength, recordSizeLimit } = answered;
  if (recordSizeLimit !== undefined && offered.recordSizeLimit !== undefined) {
    checkLeast(recordSizeLimit);
    if (recordSizeLimit > longestRecord(dialect) || maxFragmentLength !== undefined)
      throw new AlertError('wrong_record_size_limit', { record_size_limit: recordSizeLimit });
    return sizeLimits(offered.recordSizeLimit, recordSizeLimit, dialect);
  }
  if (maxFragmentLength === undefined) return unlimited;
  if (maxFragmentLength !== offered.maxFragmentLength) throw new AlertError('wrong_max_fragment_length');
  return fragmentLimits(maxFragmentLength);
}

/** They hold from here on, in both directions. */
export function limitRecords({ reading, writing }: RecordLimits, channel: MessageChannel): void {
  if (reading !== undefined) channel.limitReading(reading);
  if (writing !== undefined) channel.limitWriting(writing);
}

function checkLeast(limit: number): void {
  if (limit < leastRecordSizeLimit)
    throw new AlertError('wrong_record_size_limit', { record_size_limit: limit });
}

function fragmentLimits(code: number): RecordLimits {
  const length = lengthOfCode(code);
  const limit: RecordLimit = { content: length, inner: undefined, of: 'all' };
  return { reading: limit, writing: limit, maxFragmentLength: length };
}

function sizeLimits(own: number, peers: number, dialect: Dialect): RecordLimits {
  return {
    reading: sizeLimit(own, dialect),
    writing: sizeLimit(peers, dialect),
    maxFragmentLength: undefined,
  };
}

function sizeLimit(bytes: number, dialect: Dialect): RecordLimit | undefined {
  const content = bytes - typeLengths[dialect];
  if (content >= MAX_PLAINTEXT) return undefined;
  return { content, inner: dialect === 'tls13' ? bytes : undefined, of: 'protected' };
}
