import type { Body } from './process.js';

/** Something that `spawn` can make a process of, beside an async function; typed by the messages it takes. */
export abstract class Blueprint<in M = never> {
  /** Exists for the type checker only. */
  declare readonly takes?: (message: M) => void;

  /** @internal A fresh body for one process. */
  abstract create(): Body;
}
