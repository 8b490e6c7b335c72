import { describe, expect, test } from 'vitest';
import { withoutStacks } from './platform.js';

describe('Without stacks', () => {
  test('an error has none, and later errors have theirs again', () => {
    const limit = Error.stackTraceLimit;
    let inside: unknown;
    expect(() =>
      withoutStacks(() => {
        inside = new Error('inside');
        throw inside;
      }),
    ).toThrow('inside');
    expect(inside instanceof Error && inside.stack).toBe('Error: inside');
    expect(Error.stackTraceLimit).toBe(limit);
    expect(new Error('after').stack).toMatch(/\n +at /);
  });

  test('the answer comes through', () => {
    expect(withoutStacks(() => 7)).toBe(7);
  });
});
