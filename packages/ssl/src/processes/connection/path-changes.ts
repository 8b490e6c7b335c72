/** The peer's addresses as the core has them changed (RFC 9146 §6): its transport follows, and a clock waits for answers. */
import type { Self } from '@actor-tls/runtime';
import type { PathMessage, Paths } from '../../protocol/sink.js';
import type { Address } from '../transport/transport.js';
import { Alarm } from './alarm.js';
import type { Line } from './line.js';

export class PathChanges implements Paths {
  readonly #self: Self;
  readonly #line: Line;
  readonly #moved: (to: Address) => void;
  #alarm: Alarm | undefined = undefined;

  /** `moved`: called when the peer is somewhere else. */
  constructor(self: Self, line: Line, moved: (to: Address) => void) {
    this.#moved = moved;
    this.#self = self;
    this.#line = line;
  }

  owes(what: PathMessage): void {
    this.#line.notify({ type: 'path_message', what });
  }

  writeTo(pieces: readonly Uint8Array[], path: Address): void {
    this.#line.writeTo(pieces, path);
  }

  proved(): void {
    this.#line.transport.paths?.proved?.();
  }

  open(): void {
    this.#line.transport.paths?.open();
  }

  follow(path: Address): void {
    this.#line.transport.paths?.follow(path);
    this.#moved(path);
  }

  allow(path: Address, bytes: number): void {
    this.#line.transport.paths?.allow(path, bytes);
  }

  forget(): void {
    this.#line.transport.paths?.forget();
  }

  issue(): Uint8Array {
    return this.#line.transport.paths?.issue() ?? new Uint8Array(0);
  }

  retire(id: Uint8Array): void {
    this.#line.transport.paths?.retire(id);
  }

  timer(ms: number | undefined): void {
    this.#alarm?.cancel();
    this.#alarm = ms === undefined ? undefined : new Alarm(this.#self, 'path', ms);
  }
}
