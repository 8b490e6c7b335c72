/** Key material exporters of TLS 1.2 (RFC 5705 §4). */
import { concat } from '../../values/wire/join.js';
import type { KeyExporter } from '../key-exporter.js';
import type { MasterSecret12, Randoms } from './master-secret.js';

/** §4: labels of the handshake itself, with which nothing is exported. */
const reserved: ReadonlySet<string> = new Set([
  'client finished',
  'server finished',
  'master secret',
  'extended master secret',
  'key expansion',
]);
const ascii = new TextEncoder();

export class Exporter12 implements KeyExporter {
  /** The master secret stays as long as the connection: its PRF is asked for by others too. */
  readonly consumed = false;
  private readonly master: MasterSecret12;
  private readonly randoms: Randoms;

  constructor(master: MasterSecret12, randoms: Randoms) {
    this.master = master;
    this.randoms = randoms;
  }

  allows(label: string): boolean {
    return !reserved.has(label);
  }

  export(label: string, context: Uint8Array | undefined, length: number): Uint8Array {
    const { client, server } = this.randoms;
    const seed = [ascii.encode(label), client, server];
    if (context !== undefined) seed.push(Uint8Array.of(context.length >> 8, context.length), context);
    return this.master.bytesFor(concat(seed), length);
  }

  consume(): void {}
}
