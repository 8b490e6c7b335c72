/**
 * The whole application on a test node: simulated time, processes in an order drawn from a seed, and a network in
 * memory with the same seed's whims. The same seed gives the same run, if the certificates' signatures have a fixed
 * length (Ed25519, RSA): an ECDSA signature's length is chance, and so would be where chunks are cut.
 */
import type { Logger } from '@actor-tls/runtime';
import { createTestNode, type TestNode, type TraceLevel } from '@actor-tls/runtime/testing';
import { type NetworkTraits, SimulatedNetwork } from '../processes/transport/simulated.js';
import * as ssl from '../ssl.js';
import type { CryptoEngine } from '../values/crypto/engine.js';

export interface SimulationOptions {
  readonly seed?: number;
  readonly logger?: Logger;
  readonly engine?: CryptoEngine;
  readonly env?: Readonly<Record<string, unknown>>;
  /** Default: flights of 1 ms, never cut or broken, a window of 64 KB. */
  readonly network?: Partial<Omit<NetworkTraits, 'random'>>;
  /** What the test node records; default nothing. `test.record` switches it later, `test.traceText()` shows it. */
  readonly trace?: TraceLevel;
  /**
   * What time it is in the simulated world when it begins, for certificates, CRLs, OCSP responses and tickets; default now.
   * From then on it goes by the simulated clock: after `advance` of 31 days a certificate of 30 days has expired.
   */
  readonly startAt?: Date;
}

export interface Simulation {
  readonly test: TestNode;
  readonly network: SimulatedNetwork;
  /**
   * Moves time on until the promise settles; rejects when it has not within an hour of simulated time. What is awaited
   * without it waits for a clock that stands still, and rejects after two seconds of real time.
   */
  run<T>(promise: Promise<T>): Promise<T>;
  /** ms since 1970 in the simulated world. */
  now(): number;
  /** Stops the application and the node. */
  stop(): Promise<void>;
}

/** Starts the application `ssl` in a simulated world. */
export async function simulateSsl(options: SimulationOptions = {}): Promise<Simulation> {
  const { seed, logger, engine, env, trace = 'off', startAt = new Date() } = options;
  const test = createTestNode({
    trace,
    ...(seed === undefined ? {} : { seed }),
    ...(logger === undefined ? {} : { logger }),
  });
  const network = new SimulatedNetwork(test.clock, {
    random: () => test.random.below(2 ** 30) / 2 ** 30,
    delay: [1, 1],
    split: 0,
    cut: 0,
    window: 65_536,
    ...options.network,
  });
  const run = <T>(promise: Promise<T>): Promise<T> => test.run(promise);
  const now = (): number => startAt.getTime() + test.clock.now();
  const started = await run(
    ssl.start({
      node: test.node,
      network,
      wallClock: now,
      ...(engine === undefined ? {} : { engine }),
      ...(env === undefined ? {} : { env }),
    }),
  );
  if ('error' in started) throw new Error(`ssl did not start: ${JSON.stringify(started.error)}`);
  return {
    test,
    network,
    run,
    now,
    async stop() {
      await run(ssl.stop(test.node));
      await test.stop();
    },
  };
}
