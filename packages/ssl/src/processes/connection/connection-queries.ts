/** What can be asked of a connection without changing it (contract §1.4). */
import type { Config } from '../../options/config.js';
import { chainOf } from '../../protocol/authentication.js';
import type { Facts } from '../../protocol/facts.js';
import { einval } from './connection-answers.js';
import { connectionInformation } from './connection-information.js';
import type { ConnectionRequest } from './connection-requests.js';
import type { Line } from './line.js';
import { prfAnswer } from './prf-answer.js';

/** What its transport knows. */
export type TransportQuery = Extract<ConnectionRequest, { type: 'statistics' | 'peername' | 'sockname' }>;
/** What its handshake has found out. */
export type FactsQuery = Extract<
  ConnectionRequest,
  { type: 'peercert' | 'negotiated_protocol' | 'information' | 'prf' }
>;

export function askTransport(query: TransportQuery, line: Line): unknown {
  if (line.gone) return einval;
  switch (query.type) {
    case 'statistics':
      return { ok: line.transport.statistics() };
    case 'peername':
      return line.transport.peername();
    case 'sockname':
      return line.transport.sockname();
  }
}

export function askFacts(query: FactsQuery, facts: Facts, config: Config): unknown {
  switch (query.type) {
    case 'peercert': {
      const [peer] = chainOf(facts.peer);
      return peer === undefined ? { error: 'no_peercert' } : { ok: peer };
    }
    case 'negotiated_protocol':
      return facts.alpn === undefined ? { error: 'protocol_not_negotiated' } : { ok: facts.alpn };
    case 'information':
      return { ok: connectionInformation(facts, config, query.items) };
    case 'prf':
      return prfAnswer(facts, query);
  }
}
