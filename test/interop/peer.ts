/**
 * What a foreign TLS stack must be able to do to stand on the other end of an interop test.
 *
 * Each peer is a small driver over a program (or node:tls) that somebody else wrote. Drivers speak files, ports and
 * bytes; they never judge: the tests compare.
 */
import type { KeyName } from './material.js';

export type InteropVersion = 'tlsv1.3' | 'tlsv1.2';
export type OfferedVersions = InteropVersion | 'both';
/** IANA's names. */
export type SuiteName =
  | 'TLS_AES_128_GCM_SHA256'
  | 'TLS_AES_256_GCM_SHA384'
  | 'TLS_CHACHA20_POLY1305_SHA256'
  | 'TLS_AES_128_CCM_SHA256'
  | 'TLS_AES_128_CCM_8_SHA256'
  | 'TLS_ECDHE_ECDSA_WITH_AES_128_CCM'
  | 'TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8'
  | 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256'
  | 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384'
  | 'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256'
  | 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'
  | 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384'
  | 'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256';
export type InteropGroup =
  | 'x25519'
  | 'x448'
  | 'secp256r1'
  | 'secp384r1'
  | 'secp521r1'
  | 'ffdhe2048'
  | 'ffdhe3072'
  | 'ffdhe4096'
  | 'ffdhe6144'
  | 'ffdhe8192'
  | 'brainpoolP256r1tls13'
  | 'brainpoolP384r1tls13'
  | 'brainpoolP512r1tls13'
  | 'x25519mlkem768'
  | 'secp256r1mlkem768'
  | 'secp384r1mlkem1024';

export interface PeerCredentials {
  /** Path of a PEM file, own certificate first. */
  readonly certfile: string;
  readonly keyfile: string;
}

export interface PeerServerOptions extends PeerCredentials {
  readonly version: OfferedVersions;
  readonly suite?: SuiteName;
  /** In order of preference. */
  readonly groups?: readonly InteropGroup[];
  readonly alpn?: readonly string[];
  /** Ask for a client certificate and insist on it; path of the CA file. */
  readonly requireClientCa?: string;
}

export interface PeerClientOptions {
  readonly port: number;
  readonly version: OfferedVersions;
  /** Path of the CA file that the server's chain must end in. */
  readonly cafile: string;
  readonly servername?: string;
  readonly suite?: SuiteName;
  readonly groups?: readonly InteropGroup[];
  readonly alpn?: readonly string[];
  readonly identity?: PeerCredentials;
  /** Sent after the handshake; the peer then reads until as many bytes came back, and closes. */
  readonly payload: Uint8Array;
}

/** A running server that sends back what it gets, on any number of connections (at least one after another). */
export interface PeerServer {
  readonly port: number;
  stop(): Promise<void>;
}

export interface Peer {
  readonly name: string;
  /** Program on the PATH, or undefined when the peer needs none. */
  readonly program: string | undefined;
  /** What it cannot do, or cannot be told to do alone, in a version. */
  lacks(version: InteropVersion, what: InteropGroup | SuiteName | KeyName): boolean;
  /** Keys that it knows of others and has a fault with of its own. */
  cannotSignWith?(key: KeyName): boolean;
  echoServer(options: PeerServerOptions): Promise<PeerServer>;
  /** Answers what came back; rejects when the handshake failed, with the program's own words. */
  echoClient(options: PeerClientOptions): Promise<Uint8Array>;
}
