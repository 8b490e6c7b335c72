/** What binds a handshake to the one before (RFC 5746 §3.4–§3.7, §4.2, §4.4), case by case. */
import { describe, expect, test } from 'vitest';
import { defaultEngine } from '../../values/crypto/default-engine.js';
import {
  checkClientInfo,
  checkServerInfo,
  clientInfo,
  mayFollow,
  serverInfo,
  type VerifyData,
} from './renegotiation.js';

const client = Uint8Array.from({ length: 12 }, (_, at) => at);
const server = Uint8Array.from({ length: 12 }, (_, at) => 100 + at);
const both = Uint8Array.of(...client, ...server);
const none = new Uint8Array(0);

interface Binding {
  readonly secure: boolean;
  readonly verifyData: VerifyData;
}

function previous(secure: boolean): Binding {
  return { secure, verifyData: { client, server } };
}

const wrong = 'wrong_renegotiation_info';

/** What a check answers, or why it throws. */
function outcome(check: () => boolean): boolean | string {
  try {
    return check();
  } catch (error) {
    return error instanceof Error && 'reason' in error ? String(error.reason) : String(error);
  }
}

describe('a server takes of a hello', () => {
  test.each<[string, Uint8Array | undefined, boolean, Binding | undefined, boolean | string]>([
    ['that is the first and says so', none, false, undefined, true],
    ['that is the first and has the suite', undefined, true, undefined, true],
    ['that is the first and says nothing', undefined, false, undefined, false],
    ['that is the first and speaks of one before', client, false, undefined, wrong],
    ['that follows and says what was', client, false, previous(true), true],
    ['that follows and says what was, and has the suite', client, true, previous(true), wrong],
    ['that follows and says nothing', undefined, false, previous(true), wrong],
    ['that follows and has only the suite', undefined, true, previous(true), wrong],
    ['that follows and says it is the first', none, false, previous(true), wrong],
    ['that follows and says what the server said', both, false, previous(true), wrong],
    ['that follows and never knew of it', undefined, false, previous(false), false],
    ['that follows and has learned of it', none, false, previous(false), wrong],
    ['that follows and has learned of the suite', undefined, true, previous(false), wrong],
  ])('%s', (_what, info, signalled, before, expected) => {
    expect(outcome(() => checkClientInfo(info, signalled, before, defaultEngine))).toBe(expected);
  });
});

describe('a client takes of an answer', () => {
  test.each<[string, Uint8Array | undefined, Binding | undefined, boolean | string]>([
    ['to its first hello that says so', none, undefined, true],
    ['to its first hello that says nothing', undefined, undefined, false],
    ['to its first hello that speaks of one before', both, undefined, wrong],
    ['to a later hello that says what was', both, previous(true), true],
    ['to a later hello that says half of it', client, previous(true), wrong],
    ['to a later hello that says nothing', undefined, previous(true), wrong],
    ['to a later hello of who never knew', undefined, previous(false), false],
    ['to a later hello of who has learned of it', none, previous(false), wrong],
  ])('%s', (_what, info, before, expected) => {
    expect(outcome(() => checkServerInfo(info, before, defaultEngine))).toBe(expected);
  });
});

const full = { masterSecret: 'plain', facts: { sessionResumption: false } } as const;

describe('what is said', () => {
  test('is what the peer expects', () => {
    expect(clientInfo(previous(true))).toEqual(client);
    expect(serverInfo(undefined, true)).toEqual(none);
    expect(serverInfo(undefined, false)).toBeUndefined();
    expect(serverInfo(previous(true), true)).toEqual(both);
    expect(serverInfo(previous(false), false)).toBeUndefined();
  });

  test('by a client binds the hello to what it knows, before a server too that does not know of it', () => {
    expect(clientInfo(previous(false))).toEqual(client);
  });

  test('may be nothing only where secure_renegotiate is false', () => {
    expect(mayFollow({ ...full, secure: true }, {})).toBe(true);
    expect(mayFollow({ ...full, secure: false }, {})).toBe(false);
    expect(mayFollow({ ...full, secure: false }, { secureRenegotiate: true })).toBe(false);
    expect(mayFollow({ ...full, secure: false }, { secureRenegotiate: false })).toBe(true);
  });

  test.each([
    ['plain', false],
    ['extended', true],
  ] as const)(
    'after a session with a %s master secret was resumed: %s (RFC 7627 §5.4)',
    (masterSecret, may) => {
      const resumed = { ...full, masterSecret, facts: { sessionResumption: true } };
      expect(mayFollow({ ...resumed, secure: true }, { secureRenegotiate: false })).toBe(may);
    },
  );
});
