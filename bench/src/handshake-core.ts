/**
 * Full TLS 1.3 handshakes of two cores in one process, without sockets and processes: what the protocol alone costs.
 * x25519, AES-128-GCM, ECDSA P-256, one certificate; the client's verdict is at hand, as from a warm cache.
 *
 *   node bench/dist/handshake-core.js [seconds]
 */
import {
  type ClientOptions,
  Core,
  defaultEngine,
  type PublicKey,
  type ServerOptions,
  type Sink,
  suiteByName,
} from '@actor-tls/ssl/core';
import { generateKey, selfSigned } from '@actor-tls/ssl/testing';

/** Carries what one core writes to the other at once, as a socket would in another turn. */
class Wire implements Sink {
  peer: Core | undefined;
  core: Core | undefined;
  readonly peerKey: PublicKey;
  readonly queue: Uint8Array[] = [];
  established: () => void = () => {};

  constructor(peerKey: PublicKey) {
    this.peerKey = peerKey;
  }
  write(pieces: readonly Uint8Array[]): void {
    for (const piece of pieces) this.queue.push(piece);
  }
  deliver(): void {}
  peerClosed(): void {}
  failed(failure: unknown): void {
    throw new Error(`a handshake failed: ${JSON.stringify(failure)}`);
  }
  askVerdict(): void {
    this.core?.answerVerdict({ ok: this.peerKey });
  }
  askSignature(): void {}
  owes(): void {}
}

const pair = generateKey('ec');
const certificate = selfSigned({ key: pair });
const privateKey = defaultEngine.importPrivateKey(pair.pkcs8);
const publicKey = defaultEngine.importPublicKey(pair.spki);
const suite = suiteByName('TLS_AES_128_GCM_SHA256');
if (privateKey === undefined || publicKey === undefined || suite === undefined) throw new Error('no engine');

const common = {
  versions: ['tlsv1.3'],
  ciphers: [suite],
  supportedGroups: ['x25519', 'secp256r1'],
  eccs: ['x25519', 'secp256r1'],
  signatureAlgs: ['ecdsa_secp256r1_sha256', 'rsa_pss_rsae_sha256'],
  signatureAlgsCert: undefined,
  maxHandshakeSize: 262_144,
  keyUpdateAt: 388_736_063_997,
  middleboxCompMode: true,
  keepSecrets: false,
  beastMitigation: 'one_n_minus_one',
  paddingCheck: true,
} as const;
const clientOptions: ClientOptions = {
  config: { ...common, keyShares: ['x25519'], alpnAdvertisedProtocols: undefined },
  identities: [],
  dependencies: { engine: defaultEngine },
  serverName: 'localhost',
};
const serverOptions: ServerOptions = {
  config: {
    ...common,
    alpnPreferredProtocols: undefined,
    verify: 'verify_none',
    failIfNoPeerCert: false,
    honorCipherOrder: false,
    honorEccOrder: false,
  },
  identities: [{ chain: [certificate.cert], key: privateKey, schemes: ['ecdsa_secp256r1_sha256'] }],
  dependencies: { engine: defaultEngine },
  certificateAuthorities: [],
};

function shakeHands(key: PublicKey): void {
  let complete = 0;
  const clientWire = new Wire(key);
  const serverWire = new Wire(key);
  clientWire.established = () => {
    complete += 1;
  };
  serverWire.established = clientWire.established;
  const client = Core.client(clientOptions, clientWire);
  const server = Core.server(serverOptions, serverWire);
  clientWire.core = client;
  client.start();
  for (const chunk of clientWire.queue.splice(0)) server.receive(chunk);
  for (const chunk of serverWire.queue.splice(0)) client.receive(chunk);
  for (const chunk of clientWire.queue.splice(0)) server.receive(chunk);
  if (complete !== 2) throw new Error('a handshake is incomplete');
}

const seconds = Number(process.argv[2] ?? 3);
for (let i = 0; i < 500; i += 1) shakeHands(publicKey);
const rates: number[] = [];
for (let round = 0; round < 5; round += 1) {
  const end = performance.now() + (seconds * 1000) / 5;
  const begin = performance.now();
  const cpu = process.cpuUsage();
  let count = 0;
  while (performance.now() < end) {
    shakeHands(publicKey);
    count += 1;
  }
  const used = process.cpuUsage(cpu);
  rates.push(count / ((performance.now() - begin) / 1000));
  console.log(
    `round ${round + 1}: ${rates.at(-1)?.toFixed(0)} handshakes/s, ` +
      `${((used.user + used.system) / count).toFixed(0)} µs cpu each`,
  );
}
console.log(`median: ${rates.sort((a, b) => a - b)[2]?.toFixed(0)} handshakes/s (both ends, one thread)`);
