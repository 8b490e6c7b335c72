/** What can be asked of a connection without changing it (contract §1.4). */
import type { From, RequestOf } from '@actor-tls/runtime';
import type { Config } from '../../options/config.js';
import type { Facts } from '../../protocol/facts.js';
import type { Result } from '../../values/terms.js';
import { closedError, einval } from './connection-answers.js';
import { connectionInformation } from './connection-information.js';
import { type ConnectionRequests, connectionRequests } from './connection-requests.js';
import type { Line } from './line.js';

const { reply } = connectionRequests;

export type Query = RequestOf<
  ConnectionRequests,
  'statistics' | 'peername' | 'sockname' | 'peercert' | 'negotiated_protocol' | 'information'
>;

/** What the answers come from; `facts` once the handshake is done. */
export interface Asked {
  readonly line: Line;
  readonly facts: Facts | undefined;
  readonly config: Config;
}

export function answerQuery(query: Query, from: From, { line, facts, config }: Asked): void {
  switch (query.type) {
    case 'statistics':
      reply(query, from, line.gone ? einval : { ok: line.transport.statistics() });
      return;
    case 'peername':
      reply(query, from, line.gone ? einval : line.transport.peername());
      return;
    case 'sockname':
      reply(query, from, line.gone ? einval : line.transport.sockname());
      return;
    case 'peercert': {
      const peer = facts?.peerChain[0];
      reply(query, from, peer === undefined ? { error: 'no_peercert' } : { ok: peer });
      return;
    }
    case 'negotiated_protocol': {
      const chosen = facts?.alpn;
      reply(query, from, chosen === undefined ? { error: 'protocol_not_negotiated' } : { ok: chosen });
      return;
    }
    case 'information':
      reply(query, from, informationOf(query.items, facts, config));
      return;
  }
}

function informationOf(
  items: readonly string[] | undefined,
  facts: Facts | undefined,
  config: Config,
): Result<Readonly<Record<string, unknown>>> {
  return facts === undefined ? closedError : { ok: connectionInformation(facts, config, items) };
}
