/**
 * When a flight goes out again (RFC 6347 §4.2.4, figure 3), as data.
 *
 * preparing: a flight is being made · sending · waiting: for the peer's flight, with a timer · finished: the handshake is
 * complete; who has sent its last flight sends that again when the peer repeats its own, and another handshake may begin.
 */

export type FlightState = 'preparing' | 'sending' | 'waiting' | 'finished';

export type FlightEvent =
  /** A flight is whole. */
  | 'ready'
  /** It is out, and the peer's is to come; or none is, since ours was the last. */
  | 'sent'
  | 'sentLast'
  /** The peer's flight is here, whole. */
  | 'answered'
  /** Nothing came in time. */
  | 'timeout'
  /** The peer sends again what we had of it: it has not got ours. */
  | 'repeated'
  /** The handshake is complete, or there is none after all. */
  | 'done'
  /** Another one begins, or is asked for. */
  | 'again';

const arrows: Readonly<Record<FlightState, Readonly<Partial<Record<FlightEvent, FlightState>>>>> = {
  preparing: { ready: 'sending', done: 'finished' },
  sending: { sent: 'waiting', sentLast: 'finished' },
  waiting: { answered: 'preparing', timeout: 'sending', repeated: 'sending', done: 'finished' },
  finished: { repeated: 'sending', again: 'preparing' },
};

/** Where an event leads; `undefined`: it means nothing in this state. */
export function flightArrow(state: FlightState, event: FlightEvent): FlightState | undefined {
  return arrows[state][event];
}

/** ms: the first time that is waited for an answer, and the longest (§4.2.4.1). */
export const firstWait = 1000;
export const longestWait = 60_000;
/** ms: nothing shorter is learned, since who answers has to work too. */
const leastLearned = 250;

/**
 * ms that an answer is waited for at first, on a path whose round trip is known (RFC 6298 §2.2): three of them, and never longer
 * than where nothing is known.
 */
export function learnedWait(roundTrip: number): number {
  return Math.min(firstWait, Math.max(leastLearned, Math.round(3 * roundTrip)));
}
