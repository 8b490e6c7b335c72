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

/** What a call of a connection's process is answered with. */
export type Misanswer = (
  request: { readonly type: string },
  answer: () => Promise<unknown>,
) => Promise<unknown>;

/** A kind of wrong delivery, and how the checker must call it. A new one is made for each run. */
export interface Fault {
  readonly name: string;
  readonly seen: RegExp;
  make(): { readonly deliver?: Mutation; readonly answer?: Misanswer };
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
    make: () => ({ deliver: third(() => {}, isData) }),
  },
  {
    name: 'delivers data twice',
    seen: notTheStream,
    make: () => ({
      deliver: third((send, to, message) => {
        send(to, message);
        send(to, message);
      }, isData),
    }),
  },
  {
    name: 'swaps two deliveries',
    seen: notTheStream,
    make() {
      const held = new Map<ssl.SslSocket, ssl.SslMessage>();
      const deliver: Mutation = (send, to, message) => {
        const earlier = held.get(message.socket);
        if (earlier === undefined && isData(message)) held.set(message.socket, message);
        else send(to, message);
        if (earlier === undefined) return;
        held.delete(message.socket);
        send(to, earlier);
      };
      return { deliver };
    },
  },
  {
    name: 'delivers to another process',
    seen: /which was not the owner/,
    make: () => ({
      deliver: third(
        (send, to, message, others) => send(others.find((other) => other !== to) ?? to, message),
        isData,
      ),
    }),
  },
  {
    name: 'says the end before the last data',
    seen: /data after ssl_closed/,
    make: () => ({
      deliver: third((send, to, message) => {
        send(to, { type: 'ssl_closed', socket: message.socket });
        send(to, message);
      }, isData),
    }),
  },
  {
    name: 'says the end twice',
    seen: /told 2 times/,
    make: () => ({
      deliver(send, to, message) {
        send(to, message);
        if (isEnd(message)) send(to, { type: 'ssl_error', socket: message.socket, reason: 'closed' });
      },
    }),
  },
  {
    name: 'does not say the end',
    seen: /nobody was told/,
    make: () => ({
      deliver(send, to, message) {
        if (!isEnd(message)) send(to, message);
      },
    }),
  },
  {
    name: 'goes to the old owner after a hand-over',
    seen: /which was not the owner/,
    make() {
      const first = new Map<ssl.SslSocket, Pid<ssl.SslMessage>>();
      const deliver: Mutation = (send, to, message) => {
        const owner = first.get(message.socket) ?? to;
        first.set(message.socket, owner);
        send(owner, message);
      };
      return { deliver };
    },
  },
  {
    name: 'never answers a hand-over',
    seen: /no answer: .*controllingProcess/,
    make: () => ({
      answer: (request, answer) =>
        request.type === 'controlling_process' ? new Promise(() => {}) : answer(),
    }),
  },
  {
    name: 'gives a recv what the one before it got',
    seen: notTheStream,
    make() {
      let last: unknown;
      const answer: Misanswer = async (request, ask) => {
        const given = await ask();
        if (request.type !== 'recv' || typeof given !== 'object' || given === null || !('ok' in given))
          return given;
        const again = last;
        last = given;
        return again ?? given;
      };
      return { answer };
    },
  },
  {
    name: 'acknowledges what it throws away',
    seen: /that no sender got was acknowledged/,
    make() {
      let sends = 0;
      const answer: Misanswer = (request, ask) => {
        if (request.type !== 'send') return ask();
        sends += 1;
        return sends === 3 ? Promise.resolve({ ok: true }) : ask();
      };
      return { answer };
    },
  },
];

function isOwner(to: unknown): to is Pid<ssl.SslMessage> {
  return to instanceof Pid;
}

/** Makes a node deliver and answer so. */
export function mutate(
  node: Node,
  { deliver, answer }: ReturnType<Fault['make']>,
  isSslMessage: (message: unknown) => message is ssl.SslMessage,
  others: () => readonly Pid<ssl.SslMessage>[],
): void {
  const send = node.send.bind(node);
  // What all calls come down to.
  const request = node.request.bind(node);
  node.send = (to, message) => {
    const owner: unknown = to;
    if (deliver !== undefined && isOwner(owner) && isSslMessage(message))
      deliver(send, owner, message, others());
    else send(to, message);
  };
  node.request = <R>(...args: Parameters<typeof request<R>>): Promise<R> => {
    const ask = (): Promise<R> => request<R>(...args);
    const asked: unknown = args[2];
    if (answer === undefined || !isRequest(asked)) return ask();
    return answer(asked, ask) as Promise<R>;
  };
}

function isRequest(request: unknown): request is { readonly type: string } {
  return (
    typeof request === 'object' && request !== null && 'type' in request && typeof request.type === 'string'
  );
}
