/** What a connection process is asked. Answers are results in OTP's terms. */
import type { Pid } from '@actor-tls/runtime';
import type { Config, SocketOptions } from '../../options/config.js';
import type { Result } from '../../values/terms.js';
import { callGuard } from '../requests.js';
import type { PrfRequest } from './prf-answer.js';
import type { SslMessage } from './socket.js';

/** The options of `handshake/3`, laid over those the connection was accepted with. */
export type Reconfigure = (
  accepted: Config,
) => Result<{ readonly config: Config; readonly socket: Partial<SocketOptions> }>;

export type ConnectionRequest =
  /** The handshake, with other options if given; answers when it is done. */
  | {
      readonly type: 'start';
      readonly timeout: number | 'infinity';
      readonly reconfigure: Reconfigure | undefined;
    }
  | { readonly type: 'recv'; readonly length: number; readonly timeout: number | 'infinity' }
  | { readonly type: 'set_options'; readonly options: unknown }
  | { readonly type: 'get_options'; readonly names: unknown }
  | { readonly type: 'statistics' }
  | { readonly type: 'peername' }
  | { readonly type: 'sockname' }
  | { readonly type: 'peercert' }
  | { readonly type: 'negotiated_protocol' }
  /** `undefined`: all that is told unasked. */
  | { readonly type: 'information'; readonly items: readonly string[] | undefined }
  | ({ readonly type: 'prf' } & PrfRequest)
  | { readonly type: 'controlling_process'; readonly owner: Pid<SslMessage> }
  | { readonly type: 'close' }
  | { readonly type: 'downgrade'; readonly timeout: number | 'infinity' }
  | { readonly type: 'shutdown'; readonly how: 'read' | 'write' | 'read_write' };

export const isConnectionRequest: (request: unknown) => request is ConnectionRequest =
  callGuard<ConnectionRequest>(
    'start',
    'recv',
    'set_options',
    'get_options',
    'statistics',
    'peername',
    'sockname',
    'peercert',
    'negotiated_protocol',
    'information',
    'prf',
    'controlling_process',
    'close',
    'downgrade',
    'shutdown',
  );
