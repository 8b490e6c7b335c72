import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { SocketOptions } from '../../options/config.js';
import { Delivery, type OwnerMessage, type RecvResult } from './delivery.js';

const defaults: SocketOptions = { mode: 'binary', packet: 0, packetSize: 0, header: 0, active: false };

function setUp(options: Partial<SocketOptions> = {}) {
  const messages: OwnerMessage<'S'>[] = [];
  const results: RecvResult[] = [];
  const delivery = new Delivery<'S'>({ ...defaults, ...options }, 'S', (message) => messages.push(message));
  return {
    delivery,
    results,
    push: (text: string) => delivery.push(Buffer.from(text, 'latin1')),
    recv: (length: number) => delivery.recv(length, (result) => results.push(result)),
    /** Messages so far, data as text. */
    heard: () =>
      messages
        .splice(0)
        .map((message) =>
          message.type === 'ssl'
            ? text(message.data)
            : message.type === 'ssl_error'
              ? message.reason
              : message.type,
        ),
    answers: () => results.splice(0).map((result) => ('ok' in result ? text(result.ok) : result)),
  };
}

const text = (data: unknown): unknown =>
  data instanceof Uint8Array ? Buffer.from(data).toString('latin1') : data;

describe('delivery', () => {
  it('gives a passive owner one batch per recv(0) and exact bytes across batches otherwise', () => {
    const { push, recv, answers } = setUp();
    push('abc');
    push('def');
    push('ghi');
    recv(0);
    recv(4);
    recv(4);
    recv(1);
    push('xx');
    expect(answers()).toEqual(['abc', 'defg', { error: 'ealready' }, 'hixx']);
  });

  it('counts an active number down, tells ssl_passive after the last message and keeps the rest', () => {
    const { delivery, push, heard } = setUp({ active: 2 });
    push('a');
    push('b');
    push('c');
    expect(heard()).toEqual(['a', 'b', 'ssl_passive']);
    expect(delivery.setActive(1)).toBe(true);
    delivery.settle();
    expect(heard()).toEqual(['c', 'ssl_passive']);
    expect(delivery.active).toBe(false);
  });

  it('adds negative numbers to the counter and turns passive only when the sum is not above zero', () => {
    const { delivery, heard } = setUp({ active: 5 });
    expect(delivery.setActive(-2)).toBe(true);
    expect(delivery.active).toBe(3);
    expect(heard()).toEqual([]);
    expect(delivery.setActive(-3)).toBe(true);
    expect(delivery.active).toBe(false);
    expect(heard()).toEqual(['ssl_passive']);
    expect(delivery.setActive(32767)).toBe(true);
    expect(delivery.setActive(1)).toBe(false);
    expect(delivery.active).toBe(32767);
  });

  it('tells the end to an idle passive owner only when it asks, after the data', () => {
    const { delivery, push, recv, heard, answers } = setUp();
    push('abc');
    delivery.end({ type: 'closed' });
    expect(heard()).toEqual([]);
    recv(0);
    expect(answers()).toEqual(['abc']);
    expect(delivery.over).toBe(false);
    recv(0);
    recv(0);
    expect(answers()).toEqual([{ error: 'closed' }, { error: 'closed' }]);
    expect(delivery.over).toBe(true);
  });

  it('keeps an alert for a passive owner that asks later', () => {
    const { delivery, heard } = setUp();
    delivery.end({ type: 'failed', reason: { tls_alert: ['bad_record_mac', 'text'] } });
    delivery.setActive('once');
    delivery.settle();
    expect(heard()).toEqual([{ tls_alert: ['bad_record_mac', 'text'] }]);
  });

  it('lets the data go first under once, and ssl_closed at the next once', () => {
    const { delivery, push, heard } = setUp();
    push('abc');
    delivery.end({ type: 'closed' });
    delivery.setActive('once');
    delivery.settle();
    expect(heard()).toEqual(['abc']);
    delivery.setActive('once');
    delivery.settle();
    expect(heard()).toEqual(['ssl_closed']);
  });

  it('fails with all bytes when a packet is too long, and says nothing after', () => {
    const { delivery, push, heard } = setUp({ active: true, packet: 4, packetSize: 10 });
    push('\0\0\0\x02ok\0\0\0dab');
    delivery.end({ type: 'closed' });
    expect(heard()).toEqual(['ok', { invalid_packet: Buffer.from('\0\0\0dab') }]);
    expect(delivery.over).toBe(true);
  });

  it('splits header bytes off, as a plain list when there are fewer', () => {
    const { push, heard } = setUp({ active: true, header: 2 });
    push('abc');
    push('ab');
    push('a');
    expect(heard()).toEqual([[97, 98, Buffer.from('c')], [97, 98, Buffer.alloc(0)], [97]]);
  });

  it('expects headers after a request line and says so in its options', () => {
    const { delivery, push, heard } = setUp({ active: 'once', packet: 'http_bin' });
    push('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(delivery.options().httpHeaders).toBe(true);
    delivery.setActive(true);
    delivery.settle();
    expect(heard()).toEqual([
      { http_request: ['GET', { abs_path: Buffer.from('/') }, [1, 1]] },
      { http_header: [14, 'Host', Buffer.from('Host'), Buffer.from('x')] },
      'http_eoh',
    ]);
    expect(delivery.options().httpHeaders).toBe(false);
  });

  it('loses nothing, doubles nothing and keeps the order, whatever the modes do in between', () => {
    const step = fc.oneof(
      fc.record({ push: fc.string({ minLength: 1, maxLength: 5 }) }),
      fc.record({ active: fc.constantFrom<boolean | 'once' | number>(true, false, 'once', 1, 3, -1) }),
      fc.record({ recv: fc.nat(7) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { delivery, push, recv, heard, answers } = setUp();
        let sent = '';
        let got = '';
        const collect = (): void => {
          for (const item of [...heard(), ...answers()])
            if (typeof item === 'string' && item !== 'ssl_passive') got += item;
        };
        for (const one of steps) {
          if ('push' in one) {
            const ascii = Buffer.from(one.push).toString('hex');
            sent += ascii;
            push(ascii);
          } else if ('active' in one) {
            delivery.setActive(one.active);
            delivery.settle();
          } else recv(one.recv);
          collect();
        }
        delivery.abandonRecv('timeout');
        delivery.setActive(true);
        delivery.settle();
        collect();
        expect(got).toBe(sent);
      }),
    );
  });

  it('sends an active owner 256 packets a turn, and the end after the last of them', () => {
    const { delivery, push, heard } = setUp({ active: true, packet: 'line' });
    push('\n'.repeat(600));
    delivery.end({ type: 'closed' });
    const turns = [heard().length];
    for (; delivery.needsRest; turns.push(heard().length)) delivery.resume();
    expect(turns).toEqual([256, 256, 89]);
    expect(delivery.over).toBe(true);
  });

  it('sends the rest at once when no other turn will come', () => {
    const { delivery, push, heard } = setUp({ active: true, packet: 'line' });
    push('\n'.repeat(600));
    expect(heard()).toHaveLength(256);
    delivery.endNow({ type: 'failed', reason: 'why' });
    expect(heard()).toEqual([...Array.from({ length: 344 }, () => '\n'), 'why']);
    delivery.endNow({ type: 'failed', reason: 'again' });
    expect(heard()).toEqual([]);
  });

  it('finds lines across batches of any size', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', '\n', 'cc', '\n\n', 'd\ne')), (batches) => {
        const { push, heard } = setUp({ active: true, packet: 'line' });
        for (const batch of batches) push(batch);
        expect(heard()).toEqual(batches.join('').match(/[^\n]*\n/g) ?? []);
      }),
    );
  });

  it.each([
    ['line', 'a'],
    ['httph', ' c\r\n'],
    ['httph_bin', '\tc\n'],
    ['asn1', '\xff'],
  ] as const)('a packet of %s that never ends is not joined anew for each record', (packet, piece) => {
    const { push, heard, delivery } = setUp({ active: true, packet });
    const joins = vi.spyOn(Buffer, 'allocUnsafeSlow');
    try {
      push(packet === 'asn1' ? '\x1f' : 'a: b\r\n');
      for (let i = 0; i < 2000; i += 1) push(piece);
      expect(joins.mock.calls.length).toBeLessThan(5);
    } finally {
      joins.mockRestore();
    }
    heard();
    expect(delivery.size).toBeGreaterThan(1999);
  });

  it('cuts packets the same way however the bytes arrive', () => {
    const pieces = fc.array(fc.constantFrom('a', ': ', '\r\n', '\n', ' ', '\t', 'Host: x\r\n', 'b\n c'), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(
        fc.constantFrom('line', 'http', 'httph', 'httph_bin', 'asn1'),
        pieces,
        (packet, batches) => {
          const whole = setUp({ active: true, packet });
          whole.push(batches.join(''));
          const cut = setUp({ active: true, packet });
          for (const batch of batches) cut.push(batch);
          expect(cut.heard()).toEqual(whole.heard());
        },
      ),
    );
  });
});
