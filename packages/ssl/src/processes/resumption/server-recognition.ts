/**
 * One connection of a server on its way to be recognized (RFC 8446 §4.6.1, §8): by a ticket of its listener's, or by a
 * key of the user's.
 */
import type { Config } from '../../options/config.js';
import type { Facts } from '../../protocol/facts.js';
import type { CheckedTicket } from '../../protocol/tls13/post-handshake.js';
import type { FoundPsk, PskWish } from '../../protocol/tls13/psk.js';
import { isTls13Suite } from '../../values/registry/suites.js';
import type { Secret } from '../../values/secret.js';
import type { Result } from '../../values/terms.js';
import type { Equipment } from '../connection/handshake-means.js';
import type { Environment } from '../environment.js';
import { asked } from '../user-function.js';
import { findExternalPsk } from './external-psk.js';
import type { ListenerTickets } from './listener-tickets.js';
import { howOf } from './resumption-tally.js';
import type { Origin } from './server-ticket.js';

export class ServerRecognition {
  readonly #environment: Environment;
  readonly #tickets: ListenerTickets | undefined;
  /** Of the ticket that was taken. */
  #origin: Origin | undefined = undefined;

  /** `tickets`: its listener's; an upgraded socket has none. */
  constructor(environment: Environment, tickets: ListenerTickets | undefined) {
    this.#environment = environment;
    this.#tickets = tickets;
  }

  /** Whether `established` may give tickets. */
  issues({ config }: Equipment): boolean {
    return this.#tickets !== undefined && config.role === 'server' && config.sessionTickets !== 'disabled';
  }

  /** Whether keys that a client offers are looked at under these options. */
  wants(config: Config): boolean {
    const takes = this.#tickets !== undefined && config.sessionTickets !== 'disabled';
    return config.role === 'server' && (takes || config.userLookupFun !== undefined);
  }

  /** The key that the handshake goes on with. An error is what the user's function has thrown. */
  async find(wish: PskWish, equipment: Equipment): Promise<Result<FoundPsk | undefined>> {
    const answer = (await this.#tickets?.find(wish, equipment)) ?? 'nothing';
    if (typeof answer === 'object') {
      this.#origin = answer.origin;
      return { ok: answer.found };
    }
    const found = await this.#ask(wish, equipment);
    if (answer !== 'nothing' && 'ok' in found && found.ok === undefined) this.#tickets?.tally.refused(answer);
    return found;
  }

  async #ask(wish: PskWish, { config }: Equipment): Promise<Result<FoundPsk | undefined>> {
    if (config.userLookupFun === undefined) return { ok: undefined };
    return asked(() => findExternalPsk(wish, config, this.#environment.engine));
  }

  /** The connection stands: it is counted, and gets tickets for those to come. */
  async established(
    facts: Facts,
    equipment: Equipment,
    pskOf: (nonce: Uint8Array) => Secret | undefined,
  ): Promise<readonly CheckedTicket[]> {
    const tickets = this.#tickets;
    // Of older versions there are sessions, with counters of their own.
    if (tickets === undefined || !isTls13Suite(facts.cipherSuite)) return [];
    tickets.tally.established(howOf(facts));
    if (facts.earlyData !== 'none') tickets.tally.earlyData(facts.earlyData, facts.earlyBytes);
    return tickets.issue(facts, equipment, this.#origin, pskOf);
  }

  /** The client has shown who it is, later than in the handshake: the tickets that it gets now know it. */
  async shown(
    facts: Facts,
    equipment: Equipment,
    pskOf: (nonce: Uint8Array) => Secret | undefined,
  ): Promise<readonly CheckedTicket[]> {
    this.#origin = undefined;
    return (await this.#tickets?.issue(facts, equipment, undefined, pskOf)) ?? [];
  }
}
