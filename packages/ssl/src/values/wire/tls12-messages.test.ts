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

describe('NextProtocol', () => {
  const name = (length: number): Uint8Array => new Uint8Array(length).fill(97);

  it('has the number and the shape of the draft: a name and a padding', () => {
    const wire = Uint8Array.of(67, 0, 0, 32, 2, 97, 97, 28, ...new Uint8Array(28));
    expect(tls12Messages.encode('next_protocol', { selectedProtocol: name(2) })).toEqual(wire);
    expect(tls12Messages.decode('next_protocol', wire)).toEqual({ selectedProtocol: name(2) });
    expect(tls12Messages.byCode(67)).toBe('next_protocol');
  });

  it('is as long as a multiple of 32 bytes, whatever the name, as OTP writes it', () => {
    for (let length = 0; length <= 255; length += 1) {
      const wire = tls12Messages.encode('next_protocol', { selectedProtocol: name(length) });
      expect((wire.length - 4) % 32).toBe(0);
      expect(wire[4 + 1 + length]).toBe(32 - ((length + 2) % 32));
      expect(tls12Messages.decode('next_protocol', wire).selectedProtocol).toHaveLength(length);
    }
  });

  it('rejects every proper prefix and any trailing byte', () => {
    const wire = tls12Messages.encode('next_protocol', { selectedProtocol: name(3) });
    for (let length = 4; length < wire.length; length += 1)
      expect(() => tls12Messages.decode('next_protocol', wire.subarray(0, length))).toThrow(DecodeError);
    expect(() => tls12Messages.decode('next_protocol', Uint8Array.of(...wire, 0))).toThrow(DecodeError);
  });
});
