/** What a connection process is asked, and what it answers in OTP's terms. */
import { type Pid, type ReplyOf, type RequestOf, type Requests, requests } from '@actor-tls/runtime';
import type { EndOptions, TlsServerOptions } from '../../options/raw.js';
import type { Failed, Ok, Result } from '../../values/terms.js';
import type { RecvResult } from '../delivery/delivery.js';
import type { Address, TransportStatistics } from '../transport/transport.js';
import type { HandshakeAnswer } from './handshake-call.js';
import type { KeyMaterialRequest } from './key-material-answer.js';
import type { PrfRequest } from './prf-answer.js';
import type { SslMessage } from './socket.js';

type Timeout = number | 'infinity';
type NamedValues = Readonly<Record<string, unknown>>;

/** The requests of a connection. */
export interface ConnectionRequests {
  /** The handshake, with options of `handshake/3` laid over the listener's if given; answers when it is done. */
  start(fields: {
    readonly timeout: Timeout;
    readonly options: TlsServerOptions | undefined;
  }): HandshakeAnswer;
  /** On from a pause, with options laid over those before. */
  continue(fields: { readonly timeout: Timeout; readonly options: EndOptions }): HandshakeAnswer;
  /** An end to a pause. */
  cancel(): Result<true>;
  recv(fields: { readonly length: number; readonly timeout: Timeout }): RecvResult;
  set_options(fields: { readonly options: unknown }): Result<true>;
  get_options(fields: { readonly names: unknown }): Result<NamedValues>;
  statistics(): Result<TransportStatistics>;
  peername(): Result<Address>;
  sockname(): Result<Address>;
  peercert(): Result<Uint8Array>;
  negotiated_protocol(): Result<Uint8Array>;
  /** `undefined`: all that is told unasked. */
  information(fields: { readonly items: readonly string[] | undefined }): Result<NamedValues>;
  prf(fields: PrfRequest): Result<Uint8Array>;
  /** A server's: the client's certificate, asked for now. */
  request_certificate(fields: { readonly timeout: Timeout }): Result<Uint8Array>;
  export_key_materials(fields: KeyMaterialRequest): Result<readonly Uint8Array[]>;
  /** Another handshake in TLS 1.2 or before; answers when it is done. */
  renegotiate(): Result<true>;
  controlling_process(fields: { readonly owner: Pid<SslMessage> }): Result<true>;
  close(): Ok;
  downgrade(fields: { readonly timeout: Timeout }): Downgraded | Failed;
  shutdown(fields: { readonly how: 'read' | 'write' | 'read_write' }): Result<true>;
}

/** What `close` gives back when it takes TLS off a connection. */
export interface Downgraded {
  /** The transport: the paused `net.Socket`, or the stream that was upgraded; another network has its own. */
  readonly ok: unknown;
  /** What the peer sent after its close_notify. */
  readonly data?: Buffer;
}

export type ConnectionRequest = RequestOf<ConnectionRequests>;

/** The requests that may be answered with an error. */
export type RefusableRequest = RequestOf<
  ConnectionRequests,
  {
    [K in keyof ConnectionRequests]: Failed extends ReplyOf<ConnectionRequests, K> ? K : never;
  }[keyof ConnectionRequests]
>;

export const connectionRequests: Requests<ConnectionRequests> = requests<ConnectionRequests>();

export const isConnectionRequest: (request: unknown) => request is ConnectionRequest =
  connectionRequests.guard({
    start: true,
    continue: true,
    cancel: true,
    recv: true,
    set_options: true,
    get_options: true,
    statistics: true,
    peername: true,
    sockname: true,
    peercert: true,
    negotiated_protocol: true,
    information: true,
    prf: true,
    request_certificate: true,
    export_key_materials: true,
    renegotiate: true,
    controlling_process: true,
    close: true,
    downgrade: true,
    shutdown: true,
  });
