/** What can be asked of a connection without changing it (contract §1.4). */
import type { Config } from '../../options/config.js';
import type { Facts } from '../../protocol/facts.js';
import { closedError, einval } from './connection-answers.js';
import { connectionInformation } from './connection-information.js';
import type { ConnectionRequest } from './connection-requests.js';
import type { Line } from './line.js';
import { prfAnswer } from './prf-answer.js';

export type Query = Extract<
  ConnectionRequest,
  {
    type: 'statistics' | 'peername' | 'sockname' | 'peercert' | 'negotiated_protocol' | 'information' | 'prf';
  }
>;

/** What the answers come from; `facts` once the handshake is done. */
export interface Asked {
  readonly line: Line;
  readonly facts: Facts | undefined;
  readonly config: Config;
}

export function answerQuery(query: Query, { line, facts, config }: Asked): unknown {
  switch (query.type) {
    case 'statistics':
      return line.gone ? einval : { ok: line.transport.statistics() };
    case 'peername':
      return line.gone ? einval : line.transport.peername();
    case 'sockname':
      return line.gone ? einval : line.transport.sockname();
    case 'peercert': {
      const peer = facts?.peerChain[0];
      return peer === undefined ? { error: 'no_peercert' } : { ok: peer };
    }
    case 'negotiated_protocol':
      return facts?.alpn === undefined ? { error: 'protocol_not_negotiated' } : { ok: facts.alpn };
    case 'information':
      return facts === undefined ? closedError : { ok: connectionInformation(facts, config, query.items) };
    case 'prf':
      return facts === undefined ? closedError : prfAnswer(facts, query);
  }
}
