/**
 * One injected logger, shaped like pino's.
 */
import { reasonText } from './exit.js';

/** Fields of a line. The names that pino and its like write themselves are taken: a line must not have them twice. */
export type LogFields = { readonly [field: string]: unknown } & {
  readonly [K in 'level' | 'time' | 'pid' | 'hostname' | 'name' | 'msg' | 'v']?: never;
};

/** A logger; `fields` first, then the text. */
export interface Logger {
  error(fields: LogFields, text: string): void;
  warn(fields: LogFields, text: string): void;
  info(fields: LogFields, text: string): void;
  debug(fields: LogFields, text: string): void;
}

/** Errors and warnings go to stderr, a line per field, the rest nowhere. */
export const stderrLogger: Logger = {
  error: (fields, text) => console.error(readable(fields, text)),
  warn: (fields, text) => console.warn(readable(fields, text)),
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

/** For a person at a terminal: the stack as it is and in place of its reason, what has no value left out. */
function readable(fields: LogFields, text: string): string {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  const hasStack = entries.some(([key]) => key === 'stack');
  const shown = entries.filter(([key]) => !(hasStack && key === 'reason'));
  return [text, ...shown.map(([key, value]) => `  ${key}: ${indented(valueText(value))}`)].join('\n');
}

function valueText(value: unknown): string {
  return value instanceof Error ? (value.stack ?? String(value)) : reasonText(value);
}

function indented(text: string): string {
  return text.replaceAll('\n', '\n  ');
}

/** The same logger as a node uses it: one that throws (a full disk, a closed pipe) must not take processes along. */
export function harmless(logger: Logger): Logger {
  const guarded = (level: keyof Logger) => (fields: LogFields, text: string) => {
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
