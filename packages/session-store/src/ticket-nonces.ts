/** Nonces of a tracker's tickets: a 64-bit counter (contract §6.1); RFC 8446 §4.6.1 asks for uniqueness only. */
export class TicketNonces {
  #counter = 0n;

  /** The next number, and its 8 bytes. */
  next(): { readonly counter: bigint; readonly nonce: Uint8Array } {
    const counter = this.#counter;
    this.#counter += 1n;
    const nonce = new Uint8Array(8);
    new DataView(nonce.buffer).setBigUint64(0, counter);
    return { counter, nonce };
  }
}
