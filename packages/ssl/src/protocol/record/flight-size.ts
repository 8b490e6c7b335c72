/** How large the datagrams of a flight are (RFC 6347 §4.1.1.1, RFC 9147 §4.4). */

/**
 * Bytes of UDP's payload that get through nearly everywhere: IPv6's least MTU of 1280 without its headers. Then what IPv4
 * asks of every host (576), and what is left to try.
 */
const safeSizes: readonly [number, ...number[]] = [1232, 548, 256];

/** HandshakeType client_hello, which is not cut. */
export const CLIENT_HELLO = 1;

/**
 * Bytes of a message in a fragment: around a peer's long connection ID a small datagram has no room, and so is a larger one
 * that is sent once, and not thousands of them.
 */
export const leastFragment = 64;

/** Bytes. `mtu`: where it is known; `steps`: how often nothing has arrived, perhaps since datagrams were too large. */
export function flightSize(mtu: number | undefined, steps: number): number {
  const [first] = safeSizes;
  const step = safeSizes[Math.min(steps, safeSizes.length - 1)] ?? first;
  return mtu === undefined ? step : steps === 0 ? mtu : Math.min(step, mtu);
}
