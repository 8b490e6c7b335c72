/** Deliveries that are wrong on purpose: a checker that does not see them would prove nothing. */
import { type Node, Pid } from '@actor-tls/runtime';
import type * as ssl from '@actor-tls/ssl';

/** What a message to an owner becomes. */
export type Mutation = (
  send: (to: Pid<ssl.SslMessage>, message: ssl.SslMessage) => void,
  to: Pid<ssl.SslMessage>,
  message: ssl.SslMessage,
  others: readonly Pid<ssl.SslMessage>[],
) => void;

/** A kind of wrong delivery, and how the checker must call it. A new one is made for each run. */
export interface Fault {
  readonly name: string;
  readonly seen: RegExp;
  make(): Mutation;
}

/** Strikes at the third chance, so that it looks right at first. */
function third(strike: Mutation, chance: (message: ssl.SslMessage) => boolean): Mutation {
  let chances = 0;
  return (send, to, message, others) => {
    if (!chance(message)) return send(to, message);
    chances += 1;
    if (chances === 3) strike(send, to, message, others);
    else send(to, message);
  };
}

const isData = ({ type }: ssl.SslMessage): boolean => type === 'ssl';
const isEnd = ({ type }: ssl.SslMessage): boolean => type === 'ssl_closed' || type === 'ssl_error';
const notTheStream = /received .* are not the first of those sent/;

export const faults: readonly Fault[] = [
  {
    name: 'drops data',
    seen: /are not the first of those sent|that were acknowledged/,
    make: () => third(() => {}, isData),
  },
  {
    name: 'delivers data twice',
    seen: notTheStream,
    make: () =>
      third((send, to, message) => {
        send(to, message);
        send(to, message);
      }, isData),
  },
  {
    name: 'swaps two deliveries',
    seen: notTheStream,
    make() {
      const held = new Map<ssl.SslSocket, ssl.SslMessage>();
      return (send, to, message) => {
        const earlier = held.get(message.socket);
        if (earlier === undefined && isData(message)) held.set(message.socket, message);
        else send(to, message);
        if (earlier === undefined) return;
        held.delete(message.socket);
        send(to, earlier);
      };
    },
  },
  {
    name: 'delivers to another process',
    seen: /which was not the owner/,
    make: () =>
      third((send, to, message, others) => send(others.find((other) => other !== to) ?? to, message), isData),
  },
  {
    name: 'says the end before the last data',
    seen: /data after ssl_closed/,
    make: () =>
      third((send, to, message) => {
        send(to, { type: 'ssl_closed', socket: message.socket });
        send(to, message);
      }, isData),
  },
  {
    name: 'says the end twice',
    seen: /told 2 times/,
    make: () => (send, to, message) => {
      send(to, message);
      if (isEnd(message)) send(to, { type: 'ssl_error', socket: message.socket, reason: 'closed' });
    },
  },
  {
    name: 'does not say the end',
    seen: /nobody was told/,
    make: () => (send, to, message) => {
      if (!isEnd(message)) send(to, message);
    },
  },
];

function isOwner(to: unknown): to is Pid<ssl.SslMessage> {
  return to instanceof Pid;
}

/** Makes a node deliver so. */
export function mutate(
  node: Node,
  mutation: Mutation,
  isSslMessage: (message: unknown) => message is ssl.SslMessage,
  others: () => readonly Pid<ssl.SslMessage>[],
): void {
  const send = node.send.bind(node);
  node.send = (to, message) => {
    const owner: unknown = to;
    if (isOwner(owner) && isSslMessage(message)) mutation(send, owner, message, others());
    else send(to, message);
  };
}
