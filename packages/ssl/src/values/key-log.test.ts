import { expect, it } from 'vitest';
import { keyLogLine } from './key-log.js';

it('a line of a key log is label, client random and secret', () => {
  expect(keyLogLine('CLIENT_TRAFFIC_SECRET_0', Uint8Array.of(0, 255), Uint8Array.of(16))).toBe(
    'CLIENT_TRAFFIC_SECRET_0 00ff 10',
  );
});
