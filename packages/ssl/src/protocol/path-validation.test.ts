import { beforeEach, describe, expect, it } from 'vitest';
import type { PathCheck } from '../values/connection-id.js';
import type { Path } from '../values/path.js';
import { PathValidation } from './path-validation.js';

const at = (port: number): Path => ({ address: '192.0.2.1', port });
const home = at(1);
const elsewhere = at(2);
const third = at(3);

/** What the validation has done since it was last asked: messages as `type to port`, and what else it has had done. */
let log: string[];
let cookies: Uint8Array[];
let validation: PathValidation;

function begin(check: PathCheck, answers = true): void {
  log = [];
  cookies = [];
  validation = new PathValidation(
    {
      open: () => {},
      sendTo: (message, path) => log.push(`${message[0]} to ${path?.port}`),
      follow: ({ port }) => log.push(`follow ${port}`),
      allow: ({ port }, bytes) => log.push(`allow ${port} ${bytes}`),
      forget: () => log.push('forget'),
      timer: (ms) => log.push(`timer ${ms}`),
    },
    home,
    (length) => {
      const cookie = new Uint8Array(length).fill(cookies.length + 1);
      cookies.push(cookie);
      return cookie;
    },
    1000,
  );
  validation.begin(check, answers);
}

function done(): readonly string[] {
  return log.splice(0);
}

function heard(path: Path, { newest = true, isCheck = false } = {}): readonly string[] {
  validation.heard({ path, newest, size: 50, isCheck });
  return done();
}

/** `which`: of the cookies so far. */
function answer(type: 1 | 2, which = cookies.length - 1, path = elsewhere): readonly string[] {
  validation.message(Uint8Array.of(type, ...(cookies[which] ?? [])), path);
  return done();
}

function ring(): readonly string[] {
  validation.timeUp();
  return done();
}

describe('the basic check', () => {
  beforeEach(() => begin('basic'));

  it('asks the new address, allows it three times what came from it, and follows when it answers', () => {
    expect(heard(elsewhere)).toEqual(['allow 2 150', '0 to 2', 'timer 1000']);
    expect(heard(elsewhere)).toEqual(['allow 2 150']);
    expect(answer(1)).toEqual(['timer undefined', 'follow 2']);
    expect(heard(elsewhere)).toEqual([]);
  });

  it('asks three times, each with a cookie of its own, of which each may be answered', () => {
    heard(elsewhere);
    expect([ring(), ring()]).toEqual([
      ['0 to 2', 'timer 1000'],
      ['0 to 2', 'timer 1000'],
    ]);
    expect(new Set(cookies.map(String)).size).toBe(3);
    expect(answer(1, 0)).toEqual(['timer undefined', 'follow 2']);
  });

  it('gives up when nobody answers, and begins anew with the next record', () => {
    heard(elsewhere);
    ring();
    ring();
    expect(ring()).toEqual(['timer undefined', 'forget']);
    expect(answer(1)).toEqual([]);
    expect(heard(elsewhere)).toEqual(['allow 2 150', '0 to 2', 'timer 1000']);
  });

  it('passes over other cookies, other types, and messages that are cut or too long', () => {
    heard(elsewhere);
    for (const message of [
      [1, 9, 9, 9, 9, 9, 9, 9, 9],
      [1],
      [],
      [3, ...(cookies[0] ?? [])],
      [1, ...(cookies[0] ?? []), 0],
    ])
      validation.message(Uint8Array.from(message), elsewhere);
    expect(done()).toEqual([]);
    expect(answer(1)).toEqual(['timer undefined', 'follow 2']);
  });

  it('a record that is not newer than all before moves nobody', () => {
    expect(heard(elsewhere, { newest: false })).toEqual([]);
  });

  it('a newer record from where it was ends the check; an answer from there does not', () => {
    heard(elsewhere);
    expect(heard(home, { isCheck: true })).toEqual([]);
    expect(heard(home, { newest: false })).toEqual([]);
    expect(heard(home)).toEqual(['timer undefined', 'forget']);
  });

  it('one that moves on is asked where it is now, and what was asked before counts no more', () => {
    heard(elsewhere);
    expect(heard(third)).toEqual(['allow 3 150', '0 to 3', 'timer 1000']);
    expect(answer(1, 0)).toEqual([]);
    expect(answer(1, 1)).toEqual(['timer undefined', 'follow 3']);
  });
});

describe('the enhanced check', () => {
  beforeEach(() => begin('enhanced'));

  it('asks the old address first: as long as it answers, nobody has moved', () => {
    expect(heard(elsewhere)).toEqual(['allow 2 150', '0 to 1', 'timer 500']);
    expect(answer(1, 0, home)).toEqual(['timer undefined', 'forget']);
    expect(heard(elsewhere)).toEqual(['allow 2 150', '0 to 1', 'timer 500']);
  });

  it('asks the new one when the old one says that it is left', () => {
    heard(elsewhere);
    expect(answer(2, 0, home)).toEqual(['0 to 2', 'timer 1000']);
    expect(answer(1)).toEqual(['timer undefined', 'follow 2']);
  });

  it('asks the new one when the old one is silent, twice', () => {
    heard(elsewhere);
    expect(ring()).toEqual(['0 to 1', 'timer 500']);
    expect(ring()).toEqual(['0 to 2', 'timer 1000']);
    expect(answer(1, 0)).toEqual([]);
    expect(answer(1)).toEqual(['timer undefined', 'follow 2']);
  });

  it('one that moves on meanwhile does not put the answer off', () => {
    heard(elsewhere);
    expect(heard(third)).toEqual(['allow 3 150']);
    ring();
    expect(ring()).toEqual(['0 to 3', 'timer 1000']);
  });

  it('an address that does not want to be asked stays new', () => {
    heard(elsewhere);
    ring();
    ring();
    expect(answer(2)).toEqual(['timer undefined', 'forget']);
  });
});

it('without checks whoever sends the newest record is followed at once', () => {
  begin('none');
  expect(heard(elsewhere, { newest: false })).toEqual([]);
  expect(heard(elsewhere)).toEqual(['timer undefined', 'follow 2']);
});

it('a peer that does not answer checks stays where it is, and is sent three times what came from elsewhere there', () => {
  begin('enhanced', false);
  expect(heard(elsewhere, { newest: false })).toEqual([]);
  expect(heard(elsewhere)).toEqual(['allow 2 150']);
  expect(heard(elsewhere, { newest: false })).toEqual(['allow 2 150']);
  expect(heard(third)).toEqual(['allow 3 150']);
  expect(ring()).toEqual([]);
  expect(heard(home)).toEqual(['timer undefined', 'forget']);
  begin('none', false);
  expect(heard(elsewhere)).toEqual(['timer undefined', 'follow 2']);
});

it('a challenge is answered where it came from, whatever else is under way', () => {
  begin('enhanced');
  validation.message(Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8), third);
  expect(done()).toEqual(['1 to 3']);
});

it('without IDs nobody moves, and a check that runs ends with them', () => {
  begin('basic');
  heard(elsewhere);
  validation.end();
  expect(done()).toEqual(['timer undefined', 'forget']);
  expect(heard(elsewhere)).toEqual([]);
});
