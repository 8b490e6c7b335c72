import { expect, it } from 'vitest';
import { otherProtocol } from './other-protocols.js';

it.each([
  ['HTTP/1.1 400 Bad Request\r\n', 'plain HTTP'],
  ['GET / HTTP/1.1\r\n', 'plain HTTP'],
  ['PRI * HTTP/2.0\r\n', 'plain HTTP'],
  ['SSH-2.0-OpenSSH_9.2\r\n', 'SSH'],
  ['220 mail.example ESMTP\r\n', 'a protocol in the clear, such as SMTP or FTP, which may have STARTTLS'],
  ['* OK IMAP4rev1\r\n', 'IMAP without TLS, which STARTTLS switches on'],
  ['+OK POP3\r\n', 'POP3 without TLS, which STLS switches on'],
  ['EHLO me\r\n', 'SMTP without TLS, which STARTTLS switches on'],
  ['PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n', 'the PROXY protocol, which has to be read before the handshake'],
  ['\r\n\r\n\0\r\nQUIT\n', 'the PROXY protocol, which has to be read before the handshake'],
  ['\x80\x2e\x01\x03\x01', 'SSL 2.0, or with its hello, which RFC 6176 forbids'],
  ['\x80\x2e\x01\x00\x02', 'SSL 2.0, or with its hello, which RFC 6176 forbids'],
])('%j is %s', (bytes, what) => {
  expect(otherProtocol(Buffer.from(bytes, 'latin1'))).toBe(what);
});

it.each(['', 'G', 'GETTING', '\x16\x03\x01\x02\x00', '\x15\x03\x03\x00\x02', '\xff\xff\xff'])(
  '%j is nothing known',
  (bytes) => {
    expect(otherProtocol(Buffer.from(bytes, 'latin1'))).toBeUndefined();
  },
);
