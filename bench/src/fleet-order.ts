/** What the servers of the fleet of `fleet.ts` are told, as an argument of their process. */

export interface ServerOrder {
  readonly port: number;
  readonly redisPort: number;
  /** DER, base64, own first */
  readonly cert: readonly string[];
  /** PKCS#8, base64 */
  readonly key: string;
  /** base64 */
  readonly seed: string;
  /** seconds */
  readonly window: number;
  /** seconds */
  readonly clockTolerance: number;
}

/** How the tickets that clients offered to a server were answered so far; told to its parent twice a second. */
export interface ServerTold {
  readonly resumed: number;
  readonly refused: Readonly<Record<string, number>>;
}

/** Tickets live for half a minute, so that their keys do too. */
export const fleetEnv: Readonly<Record<string, number>> = {
  server_session_ticket_lifetime: 30,
  server_session_tickets_amount: 2,
};
