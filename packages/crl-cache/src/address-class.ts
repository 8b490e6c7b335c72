/** How private an IP address is, for deciding where a fetched URI may lead. */
import { BlockList, isIPv6 } from 'node:net';

/** `never`: link-local (cloud metadata lives there), multicast, unspecified, broadcast. */
export type AddressClass = 'public' | 'private' | 'loopback' | 'never';

export function addressClass(address: string): AddressClass {
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  if (never.check(address, family)) return 'never';
  if (loopback.check(address, family)) return 'loopback';
  if (privateUse.check(address, family)) return 'private';
  return 'public';
}

/** Whether going from a place of class `from` on to one of class `to` does not lead further inside. */
export function isNoMorePrivate(to: AddressClass, from: AddressClass): boolean {
  return order.indexOf(to) <= order.indexOf(from);
}

const order: readonly AddressClass[] = ['public', 'private', 'loopback', 'never'];

function list(...subnets: readonly (readonly [network: string, prefix: number])[]): BlockList {
  const blocks = new BlockList();
  for (const [network, prefix] of subnets) {
    blocks.addSubnet(network, prefix, isIPv6(network) ? 'ipv6' : 'ipv4');
  }
  return blocks;
}

// A BlockList of IPv4 subnets also matches IPv4-mapped IPv6 addresses.
const never = list(
  ['0.0.0.0', 8],
  ['169.254.0.0', 16],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['::', 128],
  ['fe80::', 10],
  ['ff00::', 8],
);
const loopback = list(['127.0.0.0', 8], ['::1', 128]);
const privateUse = list(
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['fc00::', 7],
);
