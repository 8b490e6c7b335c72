/**
 * Which addresses count as one stranger. A host owns one IPv4 address, but as a rule a whole /64 of IPv6 (RFC 4291
 * §2.5.4, RFC 6177), out of which it may call from another address each time.
 */
import { parseAddress } from '../../values/address.js';
import type { Transport } from '../transport/transport.js';

/** A name for the peer's network; `undefined` when its transport has no address (a pipe, a socket that is gone). */
export function addressGroup(transport: Transport): string | undefined {
  const peer = transport.peername();
  if ('error' in peer) return undefined;
  const { address } = peer.ok;
  // An IPv4 address has one spelling where it comes from the system.
  if (!address.includes(':')) return address;
  const bytes = parseAddress(address.replace(/%.*$/, ''));
  if (bytes === undefined) return address;
  return groupOfIpv6(bytes);
}

function groupOfIpv6(bytes: Uint8Array): string {
  const isMapped =
    bytes[10] === 0xff && bytes[11] === 0xff && bytes.subarray(0, 10).every((byte) => byte === 0);
  return isMapped ? bytes.subarray(12).join('.') : Buffer.from(bytes.subarray(0, 8)).toString('hex');
}
