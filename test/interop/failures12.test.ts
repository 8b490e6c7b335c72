/** Handshakes of TLS 1.2 that fail: both sides say what OTP's say, in the same states, but for the place in the code. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Node, Self } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { patience } from '../support/patience.js';
import { describeWithPeer, report } from '../support/report.js';
import { start } from './child.js';
import { erlangScript, erlangTerm } from './erlang.js';
import { createMaterial, type Material } from './material.js';
import { inProcess, sslNode } from './ours.js';

let node: Node;
let material: Material;
beforeAll(async () => {
  node = await sslNode();
  material = createMaterial();
});
afterAll(async () => {
  await ssl.stop(node);
  material.remove();
});

interface Failure {
  readonly name: string;
  readonly server: ssl.TlsServerOptions;
  readonly client: ssl.TlsClientOptions;
}

const only12 = { versions: ['tlsv1.2'] } as const;
const only13 = { versions: ['tlsv1.3'] } as const;
const rsaSuite = { ciphers: ['ECDHE-RSA-AES128-GCM-SHA256'] } as const;

function failures({ servers, cafile, other, client }: Material): readonly Failure[] {
  const trusting = { ...only12, verify: 'verify_peer', cacertfile: cafile } as const;
  const careless = { ...only12, verify: 'verify_none' } as const;
  const server = { ...only12, ...servers.ec256 };
  const named = { serverNameIndication: 'localhost' };
  const insisting = { ...server, verify: 'verify_peer', failIfNoPeerCert: true } as const;
  return [
    { name: 'a CA that nobody knows', server, client: { ...trusting, ...named, cacertfile: other.certfile } },
    { name: 'another name', server: { ...only12, ...other }, client: { ...trusting, ...named } },
    { name: 'no suite for the certificate', server, client: { ...careless, ...rsaSuite } },
    {
      name: 'no curve in common',
      server: { ...only12, ...servers.rsa, ...rsaSuite, eccs: ['secp256r1'] },
      client: { ...careless, ...rsaSuite, eccs: ['secp384r1'] },
    },
    { name: 'a client too old', server: { ...servers.ec256, ...only13 }, client: careless },
    { name: 'a client too new', server, client: { ...only13, verify: 'verify_none' } },
    {
      name: 'no application protocol in common',
      server: { ...server, alpnPreferredProtocols: ['h2'] },
      client: { ...careless, alpnAdvertisedProtocols: ['spdy/1'] },
    },
    { name: 'no client certificate', server: { ...insisting, cacertfile: cafile }, client: careless },
    {
      name: 'a client certificate of another CA',
      server: { ...insisting, cacertfile: other.certfile },
      client: { ...careless, ...client },
    },
    {
      name: 'no scheme for the certificate',
      server,
      client: { ...careless, signatureAlgs: [['sha256', 'rsa']] },
    },
  ];
}

type Sides = Readonly<Record<'server' | 'client', string>>;

/** Where we tell something else on purpose. */
const deviations: Readonly<Record<string, Sides>> = {
  // OTP crashes over the missing curve and tells its rescue; to us it is as any other handshake without a suite.
  'no curve in common': {
    server:
      'insufficient_security|TLS server: In state hello generated SERVER ALERT: Fatal - Insufficient Security',
    client:
      'insufficient_security|TLS client: In state hello received SERVER ALERT: Fatal - Insufficient Security',
  },
};

/** The alert and the first line of its text, without the place in the code. */
function told(result: ssl.Result<unknown>): string {
  if ('ok' in result) return 'ok';
  const reason = result.error;
  const told = typeof reason === 'object' && 'tls_alert' in reason ? reason.tls_alert : undefined;
  if (!Array.isArray(told)) return JSON.stringify(reason);
  const [alert, text] = told;
  return withoutPlace(`${alert}|${String(text).split('\n')[0]}`);
}

function withoutPlace(line: string): string {
  return line.replace(/ at \S+ generated/, ' generated');
}

async function erlangs(): Promise<Readonly<Record<string, Sides>>> {
  const cases = failures(material).map(({ name, server, client }) => [name, server, client] as const);
  const file = join(material.folder, 'failures.term');
  const lines = cases.map(
    ([name, server, client]) => `{"${name}", ${erlangTerm(server)}, ${erlangTerm(client)}}`,
  );
  writeFileSync(file, `[${lines.join(',\n')}].\n`);
  const script = start('escript', [erlangScript('tls12'), 'failures', file]);
  try {
    await script.exited;
    const found: Record<string, Sides> = {};
    for (const line of script.stdout().toString().trim().split('\n')) {
      const [name = '', side = '', alert = '', text = ''] = line.split('|');
      const sides = found[name] ?? { server: '', client: '' };
      found[name] = { ...sides, [side]: withoutPlace(text === '' ? alert : `${alert}|${text}`) };
    }
    return found;
  } finally {
    await script.stop();
  }
}

function ours({ server, client }: Failure): Promise<Sides> {
  return inProcess(node, async (self) => {
    const listener = ssl.unwrap(await ssl.listen(self, 0, { ip: '127.0.0.1', active: false, ...server }));
    const { port } = ssl.unwrap(await ssl.sockname(listener));
    const serving = inProcess(node, async (acceptor: Self<ssl.SslMessage>) => {
      const accepted = ssl.unwrap(await ssl.transportAccept(acceptor, listener, patience));
      return told(await ssl.handshake(acceptor, accepted, patience));
    });
    const connected = await ssl.connect(self, '127.0.0.1', port, { active: false, ...client }, patience);
    // A client may be done before the server refuses it: then its next call tells.
    const last = 'ok' in connected ? await ssl.recv(connected.ok, 0, patience) : connected;
    const sides = { server: await serving, client: told(last) };
    await ssl.close(listener);
    return sides;
  });
}

describeWithPeer('failures of TLS 1.2 as OTP tells them', 'escript', () => {
  it('the same alerts, in the same states, generated and received by the same sides', async () => {
    const theirs = await erlangs();
    const found: Record<string, Sides> = {};
    for (const failure of failures(material)) found[failure.name] = await ours(failure);
    expect(found).toEqual({ ...theirs, ...deviations });
    for (const [name, sides] of Object.entries(deviations)) expect(theirs[name], 'stale').not.toEqual(sides);
    const deviate = Object.keys(deviations).length;
    report('interop: failures of TLS 1.2 beside OTP', {
      agree: Object.keys(theirs).length - deviate,
      deviate,
    });
  });
});
