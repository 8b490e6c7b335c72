/**
 * The `http` packet modes: request and status lines and headers in the terms of `erlang:decode_packet/3`.
 *
 * Text is a string, or a binary in the `_bin` modes; what Erlang gives as an atom (known methods, header fields and
 * schemes) is a string in both.
 */

export type HttpText = string | Uint8Array;
/** `'*'`, `{abs_path, P}`, `{absoluteURI, Scheme, Host, Port | undefined, Path}`, `{scheme, S, Rest}` or plain text. */
export type HttpUri =
  | '*'
  | HttpText
  | { readonly abs_path: HttpText }
  | {
      readonly absoluteURI: readonly [
        scheme: 'http' | 'https',
        host: HttpText,
        port: number | undefined,
        path: HttpText,
      ];
    }
  | { readonly scheme: readonly [scheme: HttpText, rest: HttpText] };
/** Major and minor. */
export type HttpVersion = readonly [number, number];
export type HttpPacket =
  | { readonly http_request: readonly [method: HttpText, uri: HttpUri, version: HttpVersion] }
  | { readonly http_response: readonly [version: HttpVersion, status: number, phrase: HttpText] }
  | {
      readonly http_header: readonly [
        index: number,
        field: HttpText,
        unmodifiedField: HttpText,
        value: HttpText,
      ];
    }
  | 'http_eoh'
  /** The line, with its end, that is none of these; not a failure of the connection. */
  | { readonly http_error: HttpText };

const methods = new Set(['OPTIONS', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'TRACE']);

/** Header fields that have a number, in Erlang's order: the first is 1. */
const fields = [
  'Cache-Control',
  'Connection',
  'Date',
  'Pragma',
  'Transfer-Encoding',
  'Upgrade',
  'Via',
  'Accept',
  'Accept-Charset',
  'Accept-Encoding',
  'Accept-Language',
  'Authorization',
  'From',
  'Host',
  'If-Modified-Since',
  'If-Match',
  'If-None-Match',
  'If-Range',
  'If-Unmodified-Since',
  'Max-Forwards',
  'Proxy-Authorization',
  'Range',
  'Referer',
  'User-Agent',
  'Age',
  'Location',
  'Proxy-Authenticate',
  'Public',
  'Retry-After',
  'Server',
  'Vary',
  'Warning',
  'Www-Authenticate',
  'Allow',
  'Content-Base',
  'Content-Encoding',
  'Content-Language',
  'Content-Length',
  'Content-Location',
  'Content-Md5',
  'Content-Range',
  'Content-Type',
  'Etag',
  'Expires',
  'Last-Modified',
  'Accept-Ranges',
  'Set-Cookie',
  'Set-Cookie2',
  'X-Forwarded-For',
  'Cookie',
  'Keep-Alive',
  'Proxy-Connection',
];
const fieldNumbers = new Map(fields.map((name, index) => [name, index + 1]));

/** Field names up to this length are brought into canonical case. */
const longestNormalizedField = 50;

/** RFC 2616 §2.2 `token`, as bytes read in latin1; Erlang's decoder counts DEL as one of its characters. */
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z\x7f-]*/;

// Lines are matched as latin1 text: one character is one byte, so indexes fit both.
const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
const textOf = (text: string, binary: boolean): HttpText => (binary ? Buffer.from(text, 'latin1') : text);

/** A request or status line, `line` with its newline. */
export function decodeHttpLine(line: Uint8Array, binary: boolean): HttpPacket {
  const raw = latin1(line);
  const text = raw.replace(/\r?\n$/, '');
  return (
    (text.startsWith('HTTP/') ? statusLine(text, binary) : requestLine(text, binary)) ?? {
      http_error: textOf(raw, binary),
    }
  );
}

function statusLine(text: string, binary: boolean): HttpPacket | undefined {
  const parts = /^HTTP\/(\d+)\.(\d+)[ \t]+(?:$|(\d+)(?:$|[ \t]+))/.exec(text);
  if (parts === null) return undefined;
  const version: HttpVersion = [int32(parts[1]), int32(parts[2])];
  return { http_response: [version, int32(parts[3]), textOf(text.slice(parts[0].length), binary)] };
}

/** Decimal digits as Erlang's decoder reads them: into a C `int`, which wraps around. */
function int32(digits = ''): number {
  let value = 0;
  for (const digit of digits) value = (Math.imul(value, 10) + Number(digit)) | 0;
  return value;
}

function requestLine(text: string, binary: boolean): HttpPacket | undefined {
  const method = token.exec(text)?.[0] ?? '';
  const rest = /^[ \t]+([^ \t]+)[ \t]*/.exec(text.slice(method.length));
  if (method === '' || rest === null) return undefined;
  const after = text.slice(method.length + rest[0].length);
  const version = after === '' ? undefined : /^HTTP\/(\d+)\.(\d+)/.exec(after);
  if (version === null) return undefined;
  return {
    http_request: [
      methods.has(method) ? method : textOf(method, binary),
      uri(rest[1] ?? '', binary),
      version === undefined ? [0, 9] : [int32(version[1]), int32(version[2])],
    ],
  };
}

function uri(text: string, binary: boolean): HttpUri {
  if (text === '*') return '*';
  // Erlang's decoder looks for schemes and names in two bytes and more: any other single one is a path.
  if (text.length === 1 || text.startsWith('/')) return { abs_path: textOf(text, binary) };
  const scheme = /^(https?):\/\//i.exec(text);
  if (scheme !== null) {
    const slash = text.indexOf('/', scheme[0].length);
    const authority = text.slice(scheme[0].length, slash < 0 ? text.length : slash);
    const colon = authority.indexOf(':');
    const port = colon < 0 ? '' : authority.slice(colon + 1);
    return {
      absoluteURI: [
        scheme[1]?.toLowerCase() === 'https' ? 'https' : 'http',
        textOf(colon < 0 ? authority : authority.slice(0, colon), binary),
        /^\d+$/.test(port) ? int32(port) : undefined,
        textOf(slash < 0 ? '/' : text.slice(slash), binary),
      ],
    };
  }
  const colon = text.indexOf(':');
  if (colon < 0) return textOf(text, binary);
  return { scheme: [textOf(text.slice(0, colon), binary), textOf(text.slice(colon + 1), binary)] };
}

/** A header with its continuation lines, or the empty line that ends the headers. */
export function decodeHttpHeader(line: Uint8Array, binary: boolean): HttpPacket {
  const raw = latin1(line);
  const text = raw.replace(/\r?\n$/, '');
  if (text === '') return 'http_eoh';
  const name = token.exec(text)?.[0] ?? '';
  if (text[name.length] !== ':') return { http_error: textOf(raw, binary) };
  const value = text.slice(name.length + 1).replace(/^[ \t]+/, '');
  const field = name.length > longestNormalizedField ? name : canonical(name);
  const number = fieldNumbers.get(field) ?? 0;
  return {
    http_header: [
      number,
      number === 0 ? textOf(field, binary) : field,
      textOf(name, binary),
      textOf(value, binary),
    ],
  };
}

/** `x-custom-header` → `X-Custom-Header`; of two hyphens in a row the second counts as a letter. */
function canonical(name: string): string {
  let result = '';
  let upper = true;
  for (const character of name) {
    result += upper ? character.toUpperCase() : character.toLowerCase();
    upper = !upper && character === '-';
  }
  return result;
}
