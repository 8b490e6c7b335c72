/**
 * A peer that sends as much work as it can in few bytes: `hostile.js port records|keyUpdates count`. It seals all of it
 * before it says `ready` and waits for a line, so that what is measured then is what the server makes of it.
 */
import { X509Certificate } from 'node:crypto';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { Core, nodeEngine, type Sink, sealKeyUpdate, suiteByName, type WriteHalf } from '@actor-tls/ssl/core';
import { dialects, group } from './side.js';

const [port, kind, records] = process.argv.slice(2);

/** One byte a record; with key updates, one before each. */
function burst(write: WriteHalf): Uint8Array {
  const byte = Uint8Array.of(1);
  const pieces: Uint8Array[] = [];
  for (let count = 0; count < Number(records); count += 1) {
    if (kind === 'keyUpdates' && count % 2 === 0)
      pieces.push(...sealKeyUpdate(write, 'update_not_requested'));
    else pieces.push(...write.sealApplicationData(byte));
  }
  return Buffer.concat(pieces);
}

const socket = connect(Number(port), '127.0.0.1');
const ignore = (): void => {};
const sink: Sink = {
  write: (pieces) => void socket.write(Buffer.concat(pieces)),
  deliver: ignore,
  established() {
    const bytes = burst(core.split());
    console.log('ready');
    createInterface(process.stdin).once('line', () => socket.end(bytes));
  },
  peerClosed: ignore,
  failed: ({ alert }) => {
    throw new Error(`the handshake failed: ${String(alert)}`);
  },
  askVerdict([leaf]) {
    const { publicKey } = new X509Certificate(leaf ?? '');
    const key = nodeEngine.importPublicKey(publicKey.export({ type: 'spki', format: 'der' }));
    if (key !== undefined) core.answerVerdict({ ok: key });
  },
  askSignature: ignore,
  owes: ignore,
};
const suites = [suiteByName(dialects['tlsv1.3'].suite)].filter((row) => row !== undefined);
const core = Core.client(
  {
    config: {
      versions: ['tlsv1.3'],
      ciphers: suites,
      supportedGroups: [group],
      keyShares: [group],
      eccs: [group],
      signatureAlgs: ['ecdsa_secp256r1_sha256'],
      signatureAlgsCert: undefined,
      maxHandshakeSize: 262_144,
      keyUpdateAt: 2 ** 38,
      middleboxCompMode: true,
      keepSecrets: false,
      beastMitigation: 'one_n_minus_one',
      paddingCheck: true,
      alpnAdvertisedProtocols: undefined,
    },
    identities: [],
    dependencies: { engine: nodeEngine },
    serverName: 'localhost',
  },
  sink,
);
socket.on('data', (chunk: Uint8Array) => core.receive(chunk));
socket.on('error', ignore);
socket.on('connect', () => core.start());
socket.on('close', () => process.exit(0));
