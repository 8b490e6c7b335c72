/**
 * Where a connection's secrets go that its options disclose (`keepSecrets`, `sslKeyLogFile`): a function of the user's, the
 * file that the environment names. Nothing that happens there comes back to the connection.
 */
import type { Config } from '../../options/config.js';
import type { KeyLogFun, KeyLogInfo } from '../../options/rows-secrets.js';
import { type KeyLogFile, namedKeyLogFile } from '../material/key-log-file.js';
import type { ConnectionLog } from './connection-log.js';

export class KeyLogger {
  readonly #log: ConnectionLog;
  readonly #file: KeyLogFile | undefined;
  readonly #always: KeyLogFun | undefined;
  readonly #onFailure: KeyLogFun | undefined;
  /** For `keylog_hs`, until the handshake is known to be good. */
  #lines: string[] = [];
  #complained = false;

  private constructor(config: Config, log: ConnectionLog) {
    const { keepSecrets } = config;
    this.#log = log;
    this.#file = config.sslKeyLogFile ? namedKeyLogFile(process.env['SSLKEYLOGFILE']) : undefined;
    const wish = typeof keepSecrets === 'object' ? keepSecrets : undefined;
    this.#always = wish !== undefined && 'keylog' in wish ? wish.keylog : undefined;
    this.#onFailure = wish !== undefined && 'keylog_hs' in wish ? wish.keylog_hs : undefined;
  }

  /** `undefined`: nothing is disclosed, and no line need be made. */
  static of(config: Config, log: ConnectionLog): KeyLogger | undefined {
    if (typeof config.keepSecrets !== 'object' && !config.sslKeyLogFile) return undefined;
    const logger = new KeyLogger(config, log);
    const goesNowhere = logger.#file ?? logger.#always ?? logger.#onFailure;
    return goesNowhere === undefined ? undefined : logger;
  }

  /** Bound, since it outlives the handshake in keys that are updated. */
  readonly tell = (items: readonly string[], clientRandom: Uint8Array): void => {
    this.#file?.append(items, (error) => this.#complain(error));
    if (this.#onFailure !== undefined) this.#lines.push(...items);
    if (this.#always !== undefined) this.#call(this.#always, { items, clientRandom: clientRandom.slice() });
  };

  /** The handshake was good: what failed ones tell is dropped. */
  settled(): void {
    this.#lines = [];
  }

  /** It was not. */
  failed(): void {
    const items = this.#lines;
    const random = items[0]?.split(' ')[1];
    if (this.#onFailure === undefined || random === undefined) return;
    this.#lines = [];
    this.#call(this.#onFailure, { items, clientRandom: new Uint8Array(Buffer.from(random, 'hex')) });
  }

  #call(fun: KeyLogFun, info: KeyLogInfo): void {
    try {
      const answer = fun(info);
      if (answer instanceof Promise) answer.catch((error: unknown) => this.#complain(error));
    } catch (error) {
      this.#complain(error);
    }
  }

  /** Once: whoever logs keys is at work on something else. */
  #complain(error: unknown): void {
    if (this.#complained) return;
    this.#complained = true;
    this.#log.report('error', { error }, 'key log failed');
  }
}
