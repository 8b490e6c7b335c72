/** Addresses of the internet protocol in text (RFC 791 §2.3, RFC 4291 §2.2). */

/** Octets of an IPv4 or IPv6 address in its plain text form, without zone; `undefined`: it is none. */
export function parseAddress(text: string): Uint8Array | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  if (
    parts.length !== 4 ||
    !parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256)
  ) {
    return undefined;
  }
  return Uint8Array.from(parts, Number);
}

function parseIpv6(text: string): Uint8Array | undefined {
  let body = text;
  const tail: number[] = [];
  const dotted = /^(.*:)([0-9.]+\.[0-9.]+)$/.exec(text);
  if (dotted !== null) {
    const mapped = parseIpv4(dotted[2] ?? '');
    if (mapped === undefined) return undefined;
    tail.push(...mapped);
    body = `${dotted[1] ?? ''}0:0`;
  }
  const halves = body.split('::');
  if (halves.length > 2) return undefined;
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')));
  if (!groups.flat().every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  const [head = [], rest = []] = groups;
  const missing = 8 - head.length - rest.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const all = [...head, ...Array<string>(missing).fill('0'), ...rest].map((group) =>
    Number.parseInt(group, 16),
  );
  const octets = all.flatMap((group) => [group >> 8, group & 0xff]);
  if (tail.length > 0) octets.splice(12, 4, ...tail);
  return Uint8Array.from(octets);
}

/** Octets of an address in any spelling that resolvers take: with a zone, shortened, octal, hexadecimal. */
export function parseAnyAddress(text: string): Uint8Array | undefined {
  // RFC 4007 §11: the zone says where the address is, not whose.
  if (text.includes(':')) return parseIpv6(text.replace(/%.+$/, ''));
  return parseLooseIpv4(text);
}

/** As `inet_aton` reads it: up to four numbers, of which the last fills what is left. */
function parseLooseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  if (parts.length > 4 || !parts.every((part) => /^(?:0x[0-9a-f]+|0[0-7]*|[1-9][0-9]*)$/i.test(part)))
    return undefined;
  const numbers = parts.map((part) => Number(part.replace(/^0(?=[0-7])/, '0o')));
  const last = numbers.pop() ?? 0;
  const room = 4 - numbers.length;
  if (numbers.some((number) => number > 255) || last >= 256 ** room) return undefined;
  const rest = Array.from({ length: room }, (_, at) => Math.floor(last / 256 ** (room - 1 - at)) % 256);
  return Uint8Array.from([...numbers, ...rest]);
}

/** Plain text of OTP's tuple: four numbers up to 255, or eight up to 65535; `undefined`: it is none. */
export function tupleText(numbers: readonly unknown[]): string | undefined {
  const most = numbers.length === 4 ? 0xff : numbers.length === 8 ? 0xffff : -1;
  const parts = numbers.flatMap((part) => (isWhole(part) && part >= 0 && part <= most ? [part] : []));
  if (parts.length !== numbers.length || most < 0) return undefined;
  return most === 0xff ? parts.join('.') : parts.map((part) => part.toString(16)).join(':');
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value);
}

/** Plain text of 4 octets, or of 16 as eight groups. */
export function addressText(address: Uint8Array): string {
  if (address.length === 4) return address.join('.');
  const groups = Array.from({ length: address.length / 2 }, (_, i) =>
    (((address[2 * i] ?? 0) << 8) | (address[2 * i + 1] ?? 0)).toString(16),
  );
  return groups.join(':');
}
