/** One handshake over loopback, for tests of what certificates lead to. */
import type { Node } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import type { IssuedCertificate } from '@actor-tls/ssl/testing';
import { patience } from '../support/patience.js';

/** `ok`, the alert and its text, or another reason. */
export type Outcome =
  | 'ok'
  | { readonly alert: string; readonly text: string }
  | { readonly reason: ssl.SslReason };

export interface Shaken {
  readonly client: Outcome;
  readonly server: Outcome;
}

export function outcomeOf(answer: ssl.Result<unknown>): Outcome {
  if ('ok' in answer) return 'ok';
  const { error } = answer;
  const pair: unknown = typeof error === 'object' && 'tls_alert' in error ? error['tls_alert'] : undefined;
  if (!Array.isArray(pair)) return { reason: error };
  return { alert: String(pair[0]), text: String(pair[1]) };
}

/** The alert, `ok`, or the reason: what most tests compare. */
export function brief(outcome: Outcome): unknown {
  if (outcome === 'ok') return 'ok';
  return 'alert' in outcome ? outcome.alert : outcome.reason;
}

/** Material of a certificate as options. */
export function pairOf({ chain, key }: IssuedCertificate): ssl.TlsServerOptions {
  return { cert: chain, key: { PrivateKeyInfo: key } };
}

export interface Served {
  readonly port: number;
  /** How the server's side of each handshake ended, in order. */
  readonly outcomes: readonly Outcome[];
  stop(): Promise<void>;
}

/** A server whose connections are shaken hands with and then left. */
export async function serve(node: Node, options: ssl.TlsServerOptions, acceptors = 4): Promise<Served> {
  const self = node.shell();
  const listener = ssl.unwrap(await ssl.listen(self, 0, { ip: 'loopback', active: false, ...options }));
  const outcomes: Outcome[] = [];
  for (let n = 0; n < acceptors; n += 1) {
    node.spawn(async (acceptor) => {
      for (;;) {
        const accepted = await ssl.transportAccept(acceptor, listener);
        if ('error' in accepted) return;
        outcomes.push(outcomeOf(await ssl.handshake(acceptor, accepted.ok, patience)));
      }
    });
  }
  const { port } = ssl.unwrap(await ssl.sockname(listener));
  return { port, outcomes, stop: async () => void (await ssl.close(listener)) };
}

/** A client's handshake. In TLS 1.3 it may be complete before the server refuses: then the refusal is what comes. */
export async function shake(node: Node, port: number, options: ssl.TlsClientOptions): Promise<Outcome> {
  const self = node.shell();
  const answer = await ssl.connect(self, '127.0.0.1', port, { active: false, ...options }, patience);
  if ('ok' in answer) await ssl.close(answer.ok);
  return outcomeOf(answer);
}

/** Both sides of one handshake. */
export async function handshake(
  node: Node,
  client: ssl.TlsClientOptions,
  server: ssl.TlsServerOptions,
): Promise<Shaken> {
  const self = node.shell();
  const listener = ssl.unwrap(await ssl.listen(self, 0, { ip: 'loopback', active: false, ...server }));
  const { port } = ssl.unwrap(await ssl.sockname(listener));
  const served = ssl
    .transportAccept(self, listener, patience)
    .then((accepted) => ssl.handshake(self, ssl.unwrap(accepted), patience));
  const answer = await ssl.connect(self, '127.0.0.1', port, { active: false, ...client }, patience);
  const theirs = await served;
  if ('ok' in answer) await ssl.close(answer.ok);
  await ssl.close(listener);
  return { client: outcomeOf(answer), server: outcomeOf(theirs) };
}
