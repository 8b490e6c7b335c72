/** How much an anti-replay filter remembers (RFC 8446 §8.2): OTP's `{WindowSize, K, M}`, the values of `anti_replay`. */
export interface AntiReplayWindow {
  /** seconds */
  readonly window: number;
  /** positions per element */
  readonly hashes: number;
  /** bits per filter */
  readonly bits: number;
}

/** 3 % false positives with that many elements in a window. */
export const antiReplayWindows: Readonly<Record<'10k' | '100k', AntiReplayWindow>> = {
  '10k': { window: 10, hashes: 5, bits: 105_019 },
  '100k': { window: 10, hashes: 5, bits: 1_050_011 },
};
