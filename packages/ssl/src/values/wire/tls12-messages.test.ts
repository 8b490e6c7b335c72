import { describe, expect, it } from 'vitest';
import { DecodeError } from './reader.js';
import { type Tls12Bodies, tls12Messages } from './tls12-messages.js';

const ticket: Tls12Bodies['new_session_ticket'] = {
  ticketLifetimeHint: 7200,
  ticket: Uint8Array.of(1, 2, 3),
};

describe('NewSessionTicket of TLS 1.2', () => {
  const wire = Uint8Array.of(4, 0, 0, 9, 0, 0, 0x1c, 0x20, 0, 3, 1, 2, 3);

  it('has the shape of RFC 5077 §3.3, not that of TLS 1.3', () => {
    expect(tls12Messages.encode('new_session_ticket', ticket)).toEqual(wire);
    expect(tls12Messages.decode('new_session_ticket', wire)).toEqual(ticket);
    expect(tls12Messages.byCode(4)).toBe('new_session_ticket');
  });

  it('rejects every proper prefix and any trailing byte', () => {
    for (let length = 4; length < wire.length; length += 1) {
      expect(() => tls12Messages.decode('new_session_ticket', wire.subarray(0, length))).toThrow(DecodeError);
    }
    const longer = Uint8Array.of(...wire, 0);
    expect(() => tls12Messages.decode('new_session_ticket', longer)).toThrow(DecodeError);
  });
});
