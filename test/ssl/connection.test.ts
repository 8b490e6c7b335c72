import { createNode, type Node, type Self, silentLogger, stderrLogger } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ca = createCa();
const issued = ca.issue();

describe('a connection over loopback', () => {
  let node: Node;
  beforeAll(async () => {
    node = createNode({ logger: stderrLogger });
    expect(await ssl.start({ node })).toEqual({ ok: true });
  });
  it('carries data both ways', async () => {
    const self = node.shell();
    const l = await ssl.listen(self, 0, {
      cert: issued.chain,
      key: { PrivateKeyInfo: issued.key },
      ip: 'loopback',
    });
    console.log(l);
    const L = ssl.unwrap(l);
    const port = ssl.unwrap(await ssl.sockname(L)).port;
    const accepted = ssl.transportAccept(self, L);
    const client = ssl.connect(self, 'localhost', port, { cacerts: [ca.cert], active: false }, 5000);
    const S = ssl.unwrap(await accepted);
    console.log('accepted', S);
    console.log(await ssl.handshake(self, S));
    const C = ssl.unwrap(await client);
    console.log(await ssl.send(C, 'hello'));
    console.log(await self.receive());
    console.log(
      await ssl.send(S, 'world'),
      await ssl.recv(C, 0),
      await ssl.connectionInformation(C, ['protocol', 'selectedCipherSuite']),
    );
    console.log(await ssl.close(C), await self.receive());
    console.log(await ssl.send(S, 'x'), await ssl.close(L));
    console.log(node.processes().map((p) => [p, node.processInfo(p)?.kind]));
    console.log(await ssl.stop(node));
    console.log(node.processes().map((p) => [p, node.processInfo(p)?.kind]));
  });
});
