/**
 * What a connection has to say to the node's logger, as far as `log_level` lets it (contract §9.2): alerts at notice,
 * diagnostics of handshake and transport at info, records and handshake messages at debug. Crashes are reported by the
 * runtime.
 *
 * Of records and messages only names and lengths are told: neither secrets nor data get into a log.
 */
import type { LogFields, Logger } from '@actor-tls/runtime';
import type { Config } from '../../options/config.js';
import { type LogLevel, logLevels } from '../../options/log-level.js';
import { handshakeByCode } from '../../values/wire/tls13-messages.js';
import type { Transport } from '../transport/transport.js';

export type Severity = 'error' | 'warning' | 'notice' | 'info' | 'debug';

const methods: Readonly<Record<Severity, keyof Logger>> = {
  error: 'error',
  warning: 'warn',
  // The logger's four levels have no notice.
  notice: 'info',
  info: 'info',
  debug: 'debug',
};

export class ConnectionLog {
  readonly #logger: Logger;
  readonly #level: number;
  readonly #about: () => LogFields;
  /** Whether records and messages are to be told. */
  readonly traces: boolean;

  /** `about` gives the fields of every line; asked when there is one, since a peer's address costs a system call. */
  private constructor(logger: Logger, level: LogLevel, about: () => LogFields) {
    this.#logger = logger;
    this.#level = logLevels.indexOf(level);
    this.#about = about;
    this.traces = this.#tells('debug');
  }

  /** As a config has it; every line names the peer, while there is one. */
  static of({ logLevel, protocol, role }: Config, transport: Transport, logger: Logger): ConnectionLog {
    return new ConnectionLog(logger, logLevel, () => {
      const peer = transport.peername();
      return { protocol, role, ...('ok' in peer ? { peer: peer.ok } : {}) };
    });
  }

  report(severity: Severity, fields: LogFields, text: string): void {
    if (this.#tells(severity))
      this.#logger[methods[severity]]({ severity, ...this.#about(), ...fields }, text);
  }

  /** A record or a handshake message passed by: `kind` is its content type, or `message` for a whole message. */
  trace(direction: 'in' | 'out', kind: string, bytes: Uint8Array): void {
    const whole = kind === 'message' || (kind === 'handshake' && direction === 'out');
    const message = whole ? (handshakeByCode(bytes[0] ?? 0) ?? 'unknown') : undefined;
    const fields = { direction, kind: whole ? 'handshake message' : `record ${kind}`, length: bytes.length };
    const arrow = direction === 'in' ? '<<<' : '>>>';
    this.report(
      'debug',
      message === undefined ? fields : { ...fields, message },
      `${arrow} ${fields.kind}${message === undefined ? '' : ` ${message}`}, ${bytes.length} bytes`,
    );
  }

  #tells(severity: Severity): boolean {
    return logLevels.indexOf(severity) <= this.#level;
  }
}
