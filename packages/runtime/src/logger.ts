/**
 * One injected logger, shaped like pino's.
 */

/** A logger; `fields` first, then the text. */
export interface Logger {
  error(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  info(fields: object, text: string): void;
  debug(fields: object, text: string): void;
}

/** Errors and warnings go to stderr, the rest nowhere. */
export const stderrLogger: Logger = {
  error: (fields, text) => console.error(text, fields),
  warn: (fields, text) => console.warn(text, fields),
  info: () => undefined,
  debug: () => undefined,
};

/** Says nothing. */
export const silentLogger: Logger = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
};

/** The same logger as a node uses it: one that throws (a full disk, a closed pipe) must not take processes along. */
export function harmless(logger: Logger): Logger {
  const guarded = (level: keyof Logger) => (fields: object, text: string) => {
    try {
      logger[level](fields, text);
    } catch {
      // Nobody is left to be told.
    }
  };
  return {
    error: guarded('error'),
    warn: guarded('warn'),
    info: guarded('info'),
    debug: guarded('debug'),
  };
}
