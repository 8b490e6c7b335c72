/** Levels of the `log_level` option. */

/** From most to least severe; `none` logs nothing, `all` everything. */
export const logLevels = [
  'none',
  'emergency',
  'alert',
  'critical',
  'error',
  'warning',
  'notice',
  'info',
  'debug',
  'all',
] as const;
export type LogLevel = (typeof logLevels)[number];
