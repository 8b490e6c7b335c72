/**
 * Why handshakes ended that were paused, so that nobody waited to hear it: `ssl:handshake_continue/2,3` tells (contract
 * §1.2), once. Kept by the socket that the user holds, and no longer than that.
 */
import type { SslReason } from '../../values/terms.js';
import type { SslSocket } from './socket.js';

const endings = new WeakMap<SslSocket, SslReason>();

/** The first reason counts. */
export function keepEnding(socket: SslSocket, reason: SslReason): void {
  if (!endings.has(socket)) endings.set(socket, reason);
}

export function takeEnding(socket: SslSocket): SslReason | undefined {
  const reason = endings.get(socket);
  endings.delete(socket);
  return reason;
}
