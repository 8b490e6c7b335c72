/** `setopts` and `getopts` on a connection that lives: those that ssl keeps itself, and the transport's own. */
import type { SocketOptions } from '../../options/config.js';
import {
  activeOutOfRange,
  planSetopts,
  readOptions,
  transportRefused,
} from '../../options/socket-options.js';
import type { Result } from '../../values/terms.js';
import type { Delivery } from '../delivery/delivery.js';
import { okay } from './connection-answers.js';
import type { Line } from './line.js';
import type { SslSocket } from './socket.js';

/** Sets what can be set; the first that could not is the error. */
export function setOptions(raw: unknown, delivery: Delivery<SslSocket>, line: Line): Result<true> {
  const plan = planSetopts(raw, line.transport.datagrams === true ? 'dtls' : 'tls');
  const { active } = plan.socket;
  let error = plan.error;
  if (!setEmulated(plan.socket, delivery, line) && typeof active === 'number')
    error = activeOutOfRange(active);
  if (error === undefined && plan.transport !== undefined) {
    const refused = line.gone || line.transport.setOptions(plan.transport) === 'einval';
    if (refused) error = transportRefused(plan.transport);
  }
  delivery.settle();
  return error === undefined ? okay : { error };
}

/** False when the number for `active` does not fit on the count. */
export function setEmulated(
  { mode, packet, packetSize, header, active }: Partial<SocketOptions>,
  delivery: Delivery<SslSocket>,
  line: Line,
): boolean {
  if (mode !== undefined) delivery.setMode(mode);
  if (packet !== undefined) {
    delivery.setPacket(packet);
    line.notify({ type: 'packet', packet });
  }
  if (packetSize !== undefined) delivery.setPacketSize(packetSize);
  if (header !== undefined) delivery.setHeader(header);
  return active === undefined || delivery.setActive(active);
}

export function getOptions(
  names: unknown,
  delivery: Delivery<SslSocket>,
  line: Line,
): ReturnType<typeof readOptions> {
  return readOptions(names, delivery.options(), (name) => {
    const value = line.transport.getOption(name);
    return 'ok' in value ? value.ok : undefined;
  });
}
