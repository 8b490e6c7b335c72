/** The `http` packet modes beside Erlang's own decoder, on lines of pieces where the two could read differently. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Random, seededRandom } from '@actor-tls/runtime/testing';
import { describe, expect, it } from 'vitest';
import { decodePacket } from '../../packages/ssl/src/processes/delivery/packet.js';
import { describeWithPeer, report } from '../support/report.js';

type Mode = 'http' | 'http_bin' | 'httph' | 'httph_bin';

describe('a request line', () => {
  const uris: readonly (readonly [uri: string, term: unknown])[] = [
    ['host:80', { scheme: ['host', '80'] }],
    [':80', { scheme: ['', '80'] }],
    ['a:b:c', { scheme: ['a', 'b:c'] }],
    ['http:/x', { scheme: ['http', '/x'] }],
    ['ftp://x/y', { scheme: ['ftp', '//x/y'] }],
    ['host', 'host'],
    ['*', '*'],
    ['**', '**'],
    ['-', { abs_path: '-' }],
    [':', { abs_path: ':' }],
    ['/', { abs_path: '/' }],
    ['HTTP://h', { absoluteURI: ['http', 'h', undefined, '/'] }],
    ['https://h:443/p', { absoluteURI: ['https', 'h', 443, '/p'] }],
    ['http://h:4294967376/', { absoluteURI: ['http', 'h', 80, '/'] }],
    ['http://[::1]:80/x', { absoluteURI: ['http', '[', undefined, '/x'] }],
  ];
  for (const [uri, term] of uris)
    for (const method of ['GET', 'CONNECT', 'OPTIONS'])
      it(`${method} ${uri} has Erlang's term`, () => {
        expect(decodePacket('http', Buffer.from(`${method} ${uri} HTTP/1.1\r\n`), 0)).toMatchObject({
          packet: { http_request: [method, term, [1, 1]] },
        });
      });

  it('may have anything behind its version, and a version wraps around as a C int does', () => {
    expect(decodePacket('http', Buffer.from('GET /x HTTP/1.1x y\r\n'), 0)).toMatchObject({
      packet: { http_request: ['GET', { abs_path: '/x' }, [1, 1]] },
    });
    expect(decodePacket('http', Buffer.from('GET /x HTTP/4294967298.0\r\n'), 0)).toMatchObject({
      packet: { http_request: ['GET', { abs_path: '/x' }, [2, 0]] },
    });
  });
});

it('a status line without a status has status 0, and a header of one byte goes on in no further line', () => {
  expect(decodePacket('http', Buffer.from('HTTP/1.1 \r\n'), 0)).toMatchObject({
    packet: { http_response: [[1, 1], 0, ''] },
  });
  expect(decodePacket('httph', Buffer.from('-\n x\r\n'), 0)).toEqual({
    packet: { http_error: '-\n' },
    used: 2,
  });
});

const pieces = [
  ...['GET', 'OPTIONS', 'CONNECT', 'get', 'HTTP/', 'HTTP', 'http', 'https', 'ftp', 'host', 'Host'],
  ...[
    ':',
    '//',
    '/',
    '://',
    '*',
    ' ',
    '  ',
    '\t',
    '-',
    '..',
    '.',
    ',',
    ';',
    '"',
    '(',
    '@',
    '?q',
    '#f',
    '%20',
  ],
  ...['HTTP/1.1', 'HTTP/1.0', 'HTTP/11.22', 'HTTP/1', '1.1', '[::1]', '\r', '\0', '\x7f', '\x80', 'é', ''],
  ...[
    '0',
    '007',
    '80',
    '443',
    '200',
    '+1',
    '-1',
    '99999',
    '2147483648',
    '4294967376',
    '99999999999999999999',
  ],
];
const methods = ['GET', 'POST', 'CONNECT', 'X', '', 'GET:', 'gét', 'OPTIONS', 'HTTP', 'HTTP/1.1', 'TRACE'];
const schemes = ['http', 'https', 'HTTP', 'hTTps', 'ftp', ''];
const hosts = ['host', 'h:80', 'h:', 'h:8x', '[::1]:80', 'u@h:1', 'h:-1', 'h:99999999999', 'h:+1', 'h:0x5'];
const paths = ['', '/', '/p', '?q', '/a:b/c', '#'];
const versions = ['HTTP/1.1', 'HTTP/1', 'HTTP/', 'http/1.1', '', 'HTTP/1.1 x', 'HTTP/1.1x', 'HTTP/01.02'];
const statuses = ['200', '', '20', '2000', 'abc', '99999999999', '-1', '+200', '200x', '4294967496'];
const fields = [
  'Host',
  'HOST',
  'x-a',
  'X--a',
  '-',
  'a_b',
  '',
  'é',
  'a b',
  'ETag',
  'TE',
  'x'.repeat(51),
  'A*b',
];
const gaps = ['', ' ', ' ', ' ', '  ', '\t', ' \t '];
const ends = ['\r\n', '\r\n', '\n', '\r\r\n', '\n\n', ' \r\n'];
const behind = ['x', '', ' y\r\nx', ' y\r\n', '\ty\nx', '\r\n', ' \r\n\r\n', ' \n \nx'];

class Lines {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** A line for one of the modes. */
  next(mode: Mode): Buffer {
    return Buffer.from(mode.startsWith('httph') ? this.#header() : this.#start(), 'latin1');
  }

  #start(): string {
    const line = this.#random.pick([() => this.#request(), () => this.#status(), () => this.#any(8)]);
    return (line?.() ?? '') + this.#one(ends);
  }

  #request(): string {
    const uri =
      this.#random.below(2) === 0
        ? this.#any(6)
        : this.#one(schemes) + this.#one([':', '://', '//', ':/']) + this.#one(hosts) + this.#one(paths);
    return this.#one(methods) + this.#one(gaps) + uri + this.#one(gaps) + this.#one(versions);
  }

  #status(): string {
    return `${this.#one(['HTTP/1.1', 'HTTP/12.34', 'HTTP/1.', 'HTTP/a.b'])}${this.#one(gaps)}${this.#one(statuses)}${this.#one(gaps)}${this.#one(['OK', '', 'é', ' x'])}`;
  }

  #header(): string {
    return (
      this.#one(fields) +
      this.#one([':', ': ', '', ' :', '::']) +
      this.#any(4) +
      this.#one(ends) +
      this.#one(behind)
    );
  }

  #any(most: number): string {
    return Array.from({ length: this.#random.below(most) }, () => this.#one(pieces)).join('');
  }

  #one(from: readonly string[]): string {
    return this.#random.pick(from) ?? '';
  }
}

/** `{a,b}` for tuples, `s` and hex for text and atoms, `b` and hex for binaries. */
function termText(value: unknown): string {
  if (value === undefined) return termText('undefined');
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return `s${Buffer.from(value, 'latin1').toString('hex').toUpperCase()}`;
  if (value instanceof Uint8Array) return `b${Buffer.from(value).toString('hex').toUpperCase()}`;
  if (Array.isArray(value)) return `{${value.map(termText).join(',')}}`;
  const [tag, inner] = Object.entries(value ?? {})[0] ?? ['nothing', undefined];
  const parts: readonly unknown[] = Array.isArray(inner) ? inner : [inner];
  return `{${[tag, ...parts].map(termText).join(',')}}`;
}

function oursOf(mode: Mode, line: Buffer): string {
  const decoded = decodePacket(mode, line, 0);
  if (decoded === 'invalid') return 'error';
  return 'packet' in decoded ? `${termText(decoded.packet)} ${line.length - decoded.used}` : 'more';
}

describeWithPeer('beside erlang:decode_packet/3', 'escript', () => {
  it('every line is read as Erlang reads it', () => {
    const lines = new Lines(seededRandom(1));
    const modes: readonly Mode[] = ['http', 'http_bin', 'httph', 'httph_bin'];
    const inputs = Array.from({ length: 12_000 }, (_, index) => {
      const mode = modes[index % modes.length] ?? 'http';
      return { mode, line: lines.next(mode) };
    });
    const script = fileURLToPath(new URL('./erlang/decode_packet.escript', import.meta.url));
    const asked = inputs.map(({ mode, line }) => `${mode} ${line.toString('hex')}\n`).join('');
    const answers = execFileSync('escript', [script], {
      input: asked,
      encoding: 'latin1',
      maxBuffer: 1 << 26,
    });
    const erlang = answers.split('\n');
    const wrong = inputs.flatMap(({ mode, line }, index) => {
      const ours = oursOf(mode, line);
      return ours === erlang[index]
        ? []
        : [`${mode} ${JSON.stringify(line.toString('latin1'))}: ${ours}, Erlang ${erlang[index]}`];
    });
    report('http packets beside Erlang', { agree: inputs.length - wrong.length, deviate: wrong.length });
    expect(wrong.slice(0, 20)).toEqual([]);
  });
});
