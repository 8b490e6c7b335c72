/**
 * Key material for what runs above TLS (RFC 8446 §7.5, RFC 5705): bytes that both sides can derive, and nobody else. In
 * TLS 1.3 it comes of a secret of its own (`tls13/key-schedule.ts`), in TLS 1.2 of the master secret.
 */

export interface KeyExporter {
  /** `length` bytes. `undefined` for the context: none, which in TLS 1.3 is as good as an empty one. */
  export(label: string, context: Uint8Array | undefined, length: number): Uint8Array;
  /** Whether this label and length can be had. */
  allows(label: string, length: number): boolean;
  /** TLS 1.3: overwrites its secret; nothing is exported any more. */
  consume(): void;
  readonly consumed: boolean;
}
