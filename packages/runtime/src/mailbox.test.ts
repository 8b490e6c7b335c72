import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Mailbox } from './mailbox.js';

const operation = fc.oneof(
  fc.constant({ op: 'push' as const }),
  fc.constant({ op: 'shift' as const }),
  fc.record({ op: fc.constant('removeAt' as const), at: fc.nat() }),
);

test('a mailbox behaves as a list under any order of pushes and removals', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
      const mailbox = new Mailbox();
      const model: number[] = [];
      let next = 0;
      for (const step of operations) {
        if (step.op === 'push') {
          mailbox.push(next);
          model.push(next);
          next += 1;
        } else if (model.length > 0 && step.op === 'shift') {
          expect(mailbox.shift()).toBe(model.shift());
        } else if (model.length > 0 && step.op === 'removeAt') {
          const index = step.at % model.length;
          expect(mailbox.removeAt(index)).toBe(model.splice(index, 1)[0]);
        }
        expect(mailbox.length).toBe(model.length);
      }
      expect(mailbox.toArray()).toEqual(model);
    }),
  );
});

test('a mailbox gives the memory of a burst back once it has been small for a while', () => {
  const mailbox = new Mailbox();
  for (let i = 0; i < 10_000; i += 1) mailbox.push(i);
  while (mailbox.length > 0) mailbox.shift();
  const afterBurst = mailbox.capacity;
  for (let i = 0; i < 20; i += 1) {
    mailbox.push(i);
    mailbox.shift();
  }
  expect(afterBurst).toBeGreaterThanOrEqual(10_000);
  expect(mailbox.capacity).toBeLessThan(100);
});
