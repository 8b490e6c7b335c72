import { describe, expect, it } from 'vitest';
import { WriteHalf } from '../../protocol/record/write-half.js';
import { bytesOf } from '../delivery/iodata.js';
import { SendQueue, type SendResult } from './send-queue.js';

/** A write half whose records are readable: content between brackets. */
class Plain extends WriteHalf {
  override sealApplicationData(data: Uint8Array): Uint8Array[] {
    return [Buffer.from(`[${data.length < 20 ? Buffer.from(data).toString() : data.length}]`)];
  }
  override sealHandshake(message: Uint8Array): Uint8Array[] {
    return [Buffer.from(`(update ${message.at(-1)})`)];
  }
  override rekey(): void {}
  override sealAlert(level: 1 | 2, description: number): Uint8Array[] {
    return [Buffer.from(`(alert ${level} ${description})`)];
  }
}

function setUp() {
  const written: string[] = [];
  const outlet = {
    full: false,
    backlog: 0,
    write(pieces: readonly Uint8Array[]): boolean {
      written.push(Buffer.concat(pieces).toString());
      this.backlog = this.full ? 1 : 0;
      return !this.full;
    },
  };
  const rests: (() => void)[] = [];
  const queue = new SendQueue(new Plain(1e9), outlet, (go) => void rests.push(go));
  const answers: [string, SendResult][] = [];
  const waiter = (name: string) => ({ reply: (result: SendResult) => void answers.push([name, result]) });
  return {
    queue,
    outlet,
    waiter,
    send: (text: string, more = false) => queue.send(Buffer.from(text), waiter(text), more),
    rest: () => {
      for (const go of rests.splice(0)) go();
    },
    wrote: () => written.splice(0).join(''),
    answered: () =>
      answers
        .splice(0)
        .map(([name, result]) => `${name}: ${'ok' in result ? 'ok' : JSON.stringify(result.error)}`),
    drain: () => {
      outlet.full = false;
      outlet.backlog = 0;
      queue.drained();
    },
  };
}

describe('a refusal to renegotiate', () => {
  it('waits while the peer does not read, one for however many wishes, and goes before what was queued', () => {
    const { queue, outlet, send, wrote, drain } = setUp();
    outlet.full = true;
    send('first');
    for (let count = 0; count < 1000; count += 1) queue.refuseRenegotiation();
    send('second');
    expect(wrote()).toBe('[first]');
    expect(queue.bytes).toBe('second'.length);
    drain();
    expect(wrote()).toBe('(alert 1 100)[second]');
  });

  it('is nothing to a queue that is closed', () => {
    const { queue, waiter, wrote } = setUp();
    queue.close(0, waiter('close'));
    wrote();
    queue.refuseRenegotiation();
    expect(wrote()).toBe('');
  });
});

describe('sends', () => {
  it('are written in order and answered when the transport has them', () => {
    const { send, wrote, answered } = setUp();
    send('one');
    send('two');
    send('');
    expect(wrote()).toBe('[one][two]');
    expect(answered()).toEqual(['one: ok', 'two: ok', ': ok']);
  });

  it('wait behind a full transport without being encrypted', () => {
    const { send, wrote, answered, outlet, drain, queue } = setUp();
    outlet.full = true;
    send('one');
    send('two');
    send('three');
    expect(wrote()).toBe('[one]');
    expect(answered()).toEqual([]);
    expect(queue.length).toBe(3);
    drain();
    expect(wrote()).toBe('[twothree]');
    expect(answered()).toEqual(['one: ok', 'two: ok', 'three: ok']);
  });

  it('that are long go out in strides, none between them, and I/O has its chance after each', () => {
    const { send, queue, waiter, wrote, answered, outlet, drain, rest } = setUp();
    outlet.full = true;
    queue.send(Buffer.alloc(150_000), waiter('long'), false);
    send('after');
    expect(wrote()).toBe('[65536]');
    drain();
    expect(wrote()).toBe('');
    rest();
    expect(wrote()).toBe('[65536]');
    rest();
    expect(wrote()).toBe('[18928][after]');
    expect(answered()).toEqual(['long: ok', 'after: ok']);
  });

  it('that follow each other closely are answered in order, after a rest too', () => {
    const { send, queue, waiter, wrote, answered, rest } = setUp();
    queue.send(Buffer.alloc(70_000), waiter('long'), false);
    send('after');
    expect(wrote()).toBe('[65536]');
    rest();
    expect(wrote()).toBe('[4464][after]');
    expect(answered()).toEqual(['long: ok', 'after: ok']);
  });

  it('that are short and wait together are joined, each answered', () => {
    const { send, queue, wrote, answered } = setUp();
    send('one', true);
    send('two', true);
    expect(wrote()).toBe('');
    expect(queue.bytes).toBe(6);
    send('three');
    expect(wrote()).toBe('[onetwothree]');
    expect(queue.bytes).toBe(0);
    expect(answered()).toEqual(['one: ok', 'two: ok', 'three: ok']);
  });

  it('are not joined with long ones, nor over what closes', () => {
    const { send, queue, waiter, wrote } = setUp();
    send('short', true);
    queue.send(Buffer.alloc(9000), waiter('long'), true);
    send('one', true);
    send('two', true);
    queue.close(0, waiter('close'));
    expect(wrote()).toBe('[short][9000][onetwo](alert 1 0)');
  });

  it('are written without a rest when no other turn will come', () => {
    const { send, queue, waiter, wrote } = setUp();
    queue.send(Buffer.alloc(150_000), waiter('long'), false);
    send('after');
    queue.hurry();
    expect(wrote()).toBe('[65536][65536][18928][after]');
  });

  it('carry a length header in packet modes and are refused when they do not fit', () => {
    const { queue, waiter, wrote, answered } = setUp();
    queue.setPacket(1);
    queue.send(Buffer.from('abc'), waiter('abc'), false);
    expect(wrote()).toBe('[\u0003abc]');
    queue.send(Buffer.alloc(256), waiter('256'), false);
    expect(answered()).toEqual(['abc: ok', '256: {"badarg":{"packet_to_large":[256,255]}}']);
  });

  it('that gave up are sent all the same and answered once', () => {
    const { send, outlet, wrote, answered, drain } = setUp();
    outlet.full = true;
    const sending = send('slow');
    sending?.giveUp('timeout');
    expect(answered()).toEqual(['slow: "timeout"']);
    drain();
    expect(wrote()).toBe('[slow]');
    expect(answered()).toEqual([]);
  });
});

describe('key updates', () => {
  it('leave at once while the transport follows', () => {
    const { queue, wrote } = setUp();
    queue.updateKeys('update_not_requested');
    queue.updateKeys('update_requested');
    expect(wrote()).toBe('(update 0)(update 1)');
    expect(queue.takeRequests()).toBe(1);
    expect(queue.takeRequests()).toBe(0);
  });

  it('wait as one while the transport is full, and leave before anything else', () => {
    const { send, queue, wrote, outlet, drain } = setUp();
    outlet.full = true;
    send('one');
    send('two');
    for (let count = 0; count < 1000; count += 1) queue.updateKeys('update_not_requested');
    queue.updateKeys('update_requested');
    queue.updateKeys('update_not_requested');
    expect(wrote()).toBe('[one]');
    drain();
    expect(wrote()).toBe('(update 1)[two]');
    drain();
    expect(wrote()).toBe('');
  });

  it('that fill the transport hold up what comes after them', () => {
    const { send, queue, wrote, answered, outlet, drain } = setUp();
    outlet.full = true;
    queue.updateKeys('update_not_requested');
    queue.updateKeys('update_not_requested');
    send('one');
    expect(wrote()).toBe('(update 0)');
    drain();
    expect(wrote()).toBe('(update 0)[one]');
    expect(answered()).toEqual(['one: ok']);
  });

  it('that wait are forgotten when the connection fails', () => {
    const { send, queue, waiter, wrote, outlet, drain } = setUp();
    outlet.full = true;
    send('one');
    queue.updateKeys('update_not_requested');
    queue.fail(80, waiter('fail'));
    wrote();
    drain();
    expect(wrote()).toBe('');
  });
});

describe('the end', () => {
  it('says close_notify after what is queued and takes nothing more', () => {
    const { send, queue, waiter, outlet, wrote, answered, drain } = setUp();
    outlet.full = true;
    send('one');
    send('two');
    queue.close(0, waiter('close'));
    queue.close(0, waiter('again'));
    send('late');
    expect(answered()).toEqual(['late: "closed"']);
    drain();
    expect(wrote()).toBe('[one][two](alert 1 0)');
    expect(answered()).toEqual(['one: ok', 'two: ok', 'close: ok', 'again: ok']);
  });

  it('by a fatal alert comes before what is queued', () => {
    const { send, queue, waiter, outlet, wrote, answered } = setUp();
    outlet.full = true;
    send('one');
    send('two');
    wrote();
    outlet.full = false;
    queue.fail(80, waiter('fail'));
    expect(wrote()).toBe('(alert 2 80)');
    expect(answered()).toContain('two: "closed"');
  });
});

describe('iodata', () => {
  it('is bytes, text and lists of both to any depth', () => {
    expect(Buffer.from(bytesOf(['a', Buffer.from('b'), [99, ['d', []]]])).toString()).toBe('abcd');
    const whole = Buffer.from('same');
    expect(bytesOf(whole)).toBe(whole);
    expect(bytesOf([whole])).toBe(whole);
    expect(Buffer.from(bytesOf('é')).length).toBe(2);
  });

  it('is nothing else', () => {
    for (const wrong of [7, undefined, null, {}, [256], [-1], [1.5], [[null]]])
      expect(() => bytesOf(wrong)).toThrow(TypeError);
  });
});

describe('a write half that is given back for a handshake', () => {
  it('leaves what was queued in order, before and after', () => {
    const { queue, send, wrote, answered } = setUp();
    send('one');
    const half = queue.giveBack();
    send('two');
    send('three');
    expect(wrote()).toBe('[one]');
    expect(answered()).toEqual(['one: ok']);
    if (half !== undefined) queue.takeAgain(half);
    expect(wrote()).toBe('[twothree]');
    expect(answered()).toEqual(['two: ok', 'three: ok']);
  });

  it('is given back once, and goes on with the half it gets', () => {
    const { queue, send, wrote } = setUp();
    expect(queue.giveBack()).toBeInstanceOf(Plain);
    expect(queue.giveBack()).toBeUndefined();
    send('one');
    queue.takeAgain(new Shouting(1e9));
    expect(wrote()).toBe('[ONE]');
  });

  it('goes back in the middle of a long send, whose rest follows later', () => {
    const { queue, outlet, drain, rest, send, wrote, answered } = setUp();
    outlet.full = true;
    send('x'.repeat(150_000));
    const half = queue.giveBack();
    drain();
    expect(wrote()).toBe('[65536]');
    expect(answered()).toEqual([]);
    if (half !== undefined) queue.takeAgain(half);
    rest();
    rest();
    expect(wrote()).toBe('[65536][18928]');
    expect(answered()).toHaveLength(1);
  });

  it('writes on only when the backlog of the time before is gone', () => {
    const { queue, outlet, drain, send, wrote } = setUp();
    outlet.full = true;
    send('one');
    const half = queue.giveBack();
    send('two');
    if (half !== undefined) queue.takeAgain(half);
    expect(wrote()).toBe('[one]');
    drain();
    expect(wrote()).toBe('[two]');
  });

  it('is waited for by what is owed to the peer, which goes first then', () => {
    const { queue, send, wrote } = setUp();
    const half = queue.giveBack();
    send('one');
    queue.updateKeys('update_not_requested');
    expect(wrote()).toBe('');
    if (half !== undefined) queue.takeAgain(half);
    expect(wrote()).toBe('(update 0)[one]');
  });

  it('is waited for by close_notify, which comes after what was queued', () => {
    const { queue, send, waiter, wrote, answered } = setUp();
    const half = queue.giveBack();
    send('one');
    queue.close(0, waiter('close'));
    expect(wrote()).toBe('');
    if (half !== undefined) queue.takeAgain(half);
    expect(wrote()).toBe('[one](alert 1 0)');
    expect(answered()).toEqual(['one: ok', 'close: ok']);
  });

  it('is waited for by a fatal alert, and what was queued is not sent', () => {
    const { queue, send, waiter, wrote, answered } = setUp();
    const half = queue.giveBack();
    send('one');
    queue.fail(80, waiter('fail'));
    expect(answered()).toEqual(['one: "closed"']);
    if (half !== undefined) queue.takeAgain(half);
    expect(wrote()).toBe('(alert 2 80)');
    expect(answered()).toEqual(['fail: ok']);
  });

  it('does not come again: whoever waits hears the end', () => {
    const { queue, send, waiter, wrote, answered } = setUp();
    queue.giveBack();
    send('one');
    queue.fail(80, waiter('fail'));
    queue.drop('closed');
    expect(wrote()).toBe('');
    expect(answered()).toEqual(['one: "closed"', 'fail: "closed"']);
  });
});

/** Another half than the one given back. */
class Shouting extends Plain {
  override sealApplicationData(data: Uint8Array): Uint8Array[] {
    return super.sealApplicationData(Buffer.from(Buffer.from(data).toString().toUpperCase()));
  }
}

describe('a peer that takes short records only', () => {
  it('is written 64 of them, and then others have their turn', () => {
    const half = new Plain(1e9);
    half.limitRecords({ content: 63, inner: 64, of: 'protected' });
    const written: string[] = [];
    const outlet = {
      backlog: 0,
      write: (pieces: readonly Uint8Array[]) => written.push(Buffer.concat(pieces).toString()) > 0,
    };
    const rests: (() => void)[] = [];
    const queue = new SendQueue(half, outlet, (go) => void rests.push(go));
    queue.send(new Uint8Array(10_000), { reply: () => {} }, false);
    expect(written).toEqual(['[4032]']);
    for (const go of rests.splice(0)) go();
    expect(written).toEqual(['[4032]', '[4032]']);
    for (const go of rests.splice(0)) go();
    expect(written).toEqual(['[4032]', '[4032]', '[1936]']);
  });
});

describe('a flight of handshake messages', () => {
  const flight = { messages: Uint8Array.of(7), finishedOver: undefined };

  it('leaves after what was queued before it, and is answered when the transport has it', () => {
    const { queue, outlet, waiter, send, wrote, answered, drain } = setUp();
    outlet.full = true;
    send('one');
    queue.flight(flight, waiter('flight'));
    send('two');
    expect(wrote()).toBe('[one]');
    expect(answered()).toEqual([]);
    outlet.full = true;
    outlet.backlog = 0;
    queue.drained();
    expect(wrote()).toBe('(update 7)');
    expect(answered()).toEqual(['one: ok']);
    drain();
    expect(wrote()).toBe('[two]');
    expect(answered()).toEqual(['flight: ok', 'two: ok']);
  });

  it('is closed to a queue that is, and to one whose transport goes', () => {
    const { queue, outlet, waiter, send, wrote, answered } = setUp();
    outlet.full = true;
    send('one');
    queue.flight(flight, waiter('waiting'));
    queue.drop('closed');
    queue.flight(flight, waiter('late'));
    expect(answered()).toEqual(['waiting: "closed"', 'one: "closed"', 'late: "closed"']);
    expect(wrote()).toBe('[one]');
  });
});
