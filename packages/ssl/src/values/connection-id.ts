/** Connection IDs as an option says them (RFC 9146 §3, RFC 9853 §5). */

export interface ConnectionIdTerms {
  /** Bytes of ours; 0: we only send with the peer's. */
  readonly length: number;
  /**
   * How a new address of the peer is made sure of: `enhanced` asks the old one first, `basic` the new one alone, `none`
   * nobody: whoever sends the newest record is followed.
   */
  readonly check: PathCheck;
}

export type PathCheck = 'enhanced' | 'basic' | 'none';
