/** What can be wrong with a peer of DTLS 1.3, provoked: the end that finds fault, and who hears its alert. */

import { Dtls13WriteKeys } from '../../packages/ssl/src/protocol/record/dtls13-keys.js';
import { TrafficSecret } from '../../packages/ssl/src/protocol/tls13/key-schedule.js';
import { dtls13Engine } from '../../packages/ssl/src/values/crypto/dtls13-engine.js';
import { Secret } from '../../packages/ssl/src/values/secret.js';
import { connectionIdMessages } from '../../packages/ssl/src/values/wire/messages/connection-ids.js';
import { type DatagramEnd, DatagramLink, type DtlsWish, dtlsPair } from './datagram-link.js';
import { suite } from './psk-ends.js';
import { engine } from './two-cores.js';

interface Ends {
  readonly client: DatagramEnd;
  readonly server: DatagramEnd;
}

const versions = ['dtlsv1.3'] as const;
const offset = { sequence: 4, body: 25 };

/** Both stand, but for what of the client's is lost. */
export function dtls13Ends(wish: DtlsWish = {}, lost: 'nothing' | 'last flight' = 'nothing'): Ends {
  const keeps = { config: { keepSecrets: true, ...wish.client?.config } };
  const ends = dtlsPair({ versions, ...wish, client: { ...wish.client, ...keeps } });
  const link = new DatagramLink(ends.client, ends.server, (bytes, index, from) =>
    from === 'client' && index > 0 && lost !== 'nothing' ? [] : [{ after: 1, bytes }],
  );
  ends.client.core.start();
  link.run(500);
  return ends;
}

/** A record under the client's keys of an epoch, with a number that none of its own has. */
export function clientRecord(
  { client }: Ends,
  epoch: 2 | 3,
  type: number,
  content: Uint8Array,
  cipher: 'aes_256_gcm' | 'aes_128_ccm_8' = 'aes_256_gcm',
  number = 40,
): Uint8Array {
  const secrets = client.sink.facts?.secrets;
  const aead = engine.aead(cipher);
  const hash = dtls13Engine(engine).hash(cipher === 'aes_256_gcm' ? 'sha384' : 'sha256');
  if (secrets?.kind !== 'traffic' || aead === undefined || hash === undefined) throw new Error('no keys');
  const bytes = epoch === 2 ? secrets.clientHandshakeTraffic : secrets.clientTraffic0;
  const secret = new TrafficSecret(hash, new Secret(new Uint8Array(bytes)));
  const keys = new Dtls13WriteKeys({ aead, trafficSecret: secret });
  keys.records = number;
  return keys.seal(epoch, new Uint8Array(0), type, content);
}

/** A server is sent a hello with the cookie of an older version. */
export function oldCookie(): { victim: DatagramEnd } {
  const { client, server } = dtlsPair({ versions });
  client.core.start();
  const hello = client.sink.take();
  // Behind the random and the id, which is empty: the cookie.
  const at = offset.body + 2 + 32 + 1;
  const longer = new Uint8Array([...hello.subarray(0, at), 1, 7, ...hello.subarray(at + 1)]);
  for (const place of [12, 16, 24]) longer[place] = (longer[place] ?? 0) + 1;
  server.core.receive(longer);
  return { victim: server };
}

/** A client is asked for a cookie as by DTLS 1.2, and then answered as by 1.3. */
export function lateVersion(): { victim: DatagramEnd } {
  const { client, server } = dtlsPair({ versions: ['dtlsv1.3', 'dtlsv1.2'] });
  client.core.start();
  server.core.receive(client.sink.take());
  const answer = server.sink.take();
  client.core.receive(
    Uint8Array.of(
      22,
      0xfe,
      0xff,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      9,
      0,
      16,
      3,
      0,
      0,
      4,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      4,
      0xfe,
      0xff,
      1,
      7,
    ),
  );
  client.sink.take();
  answer[13 + offset.sequence + 1] = 1;
  client.core.receive(answer);
  return { victim: client };
}

/** As many records that do not open as the cipher bears. */
export function forgeries(): { victim: DatagramEnd; peer: DatagramEnd } {
  const ciphers = [suite('TLS_AES_128_CCM_8_SHA256')];
  const ends = dtls13Ends({ client: { config: { ciphers } }, server: { config: { ciphers } } });
  for (let n = 0; n < 128; n += 1) {
    const record = clientRecord(ends, 3, 23, Uint8Array.of(n), 'aes_128_ccm_8');
    record[record.length - 1] = (record.at(-1) ?? 0) ^ 1;
    ends.server.core.receive(record);
  }
  return { victim: ends.server, peer: ends.client };
}

export function malformedAck(): { victim: DatagramEnd; peer: DatagramEnd } {
  const ends = dtls13Ends();
  ends.server.core.receive(clientRecord(ends, 3, 26, Uint8Array.of(0, 15)));
  return { victim: ends.server, peer: ends.client };
}

/** The client acknowledges under its handshake keys what came under application keys. */
export function wrongAck(): { victim: DatagramEnd; peer: DatagramEnd } {
  const ends = dtls13Ends({}, 'last flight');
  const ack = Uint8Array.of(0, 16, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0);
  ends.server.core.receive(clientRecord(ends, 2, 26, ack));
  return { victim: ends.server, peer: ends.client };
}

/** NewConnectionId (RFC 9147 §9); `usage` 0: to be used at once, 1: to spare. */
export function spareIds(cids: readonly Uint8Array[], usage = 1): Uint8Array {
  return connectionIdMessages.encode('new_connection_id', { cids, usage });
}

/** RequestConnectionId */
export function requestIds(numCids: number): Uint8Array {
  return connectionIdMessages.encode('request_connection_id', { numCids });
}

/** A message after the handshake, by whoever writes for its side. */
export function say({ core }: DatagramEnd, link: DatagramLink, to: DatagramEnd, message: Uint8Array): void {
  const half = core.split();
  for (const piece of half.sealHandshake(message)) to.core.receive(piece);
  core.join(half);
  link.run();
}

/** A client with a connection ID says these after the handshake. */
export function saidWithIds(messages: readonly Uint8Array[]): { victim: DatagramEnd; peer: DatagramEnd } {
  const config = { connectionId: { length: 4, check: 'none' } } as const;
  const { client, server } = dtlsPair({ versions, client: { config }, server: { config } });
  const link = new DatagramLink(client, server);
  client.core.start();
  link.run();
  for (const message of messages) say(client, link, server, message);
  return { victim: server, peer: client };
}
