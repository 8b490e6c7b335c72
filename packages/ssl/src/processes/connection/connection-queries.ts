/** What can be asked of a connection without changing it (contract §1.4). */
import type { From, RequestOf } from '@actor-tls/runtime';
import type { Config } from '../../options/config.js';
import { chainOf } from '../../protocol/authentication.js';
import { einval } from './connection-answers.js';
import { connectionInformation } from './connection-information.js';
import { type ConnectionRequests, connectionRequests } from './connection-requests.js';
import { keyMaterialAnswer } from './key-material-answer.js';
import type { Line } from './line.js';
import type { Connected } from './lives.js';
import { prfAnswer } from './prf-answer.js';

const { reply } = connectionRequests;

/** What its transport knows. */
export type TransportQuery = RequestOf<ConnectionRequests, 'statistics' | 'peername' | 'sockname'>;
/** What its handshake has found out. */
export type FactsQuery = RequestOf<
  ConnectionRequests,
  'peercert' | 'negotiated_protocol' | 'information' | 'prf' | 'export_key_materials'
>;

export function askTransport(query: TransportQuery, from: From, line: Line): void {
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
  }
}

export function askFacts(
  query: FactsQuery,
  from: From,
  { facts, session }: Pick<Connected, 'facts' | 'session'>,
  config: Config,
): void {
  switch (query.type) {
    case 'peercert': {
      const [peer] = chainOf(facts.peer);
      reply(query, from, peer === undefined ? { error: 'no_peercert' } : { ok: peer });
      return;
    }
    case 'negotiated_protocol': {
      const { alpn } = facts;
      reply(query, from, alpn === undefined ? { error: 'protocol_not_negotiated' } : { ok: alpn });
      return;
    }
    case 'information':
      reply(query, from, { ok: connectionInformation(facts, config, query.items, session) });
      return;
    case 'prf':
      reply(query, from, prfAnswer(facts, query));
      return;
    case 'export_key_materials':
      reply(query, from, keyMaterialAnswer(facts, query));
      return;
  }
}
