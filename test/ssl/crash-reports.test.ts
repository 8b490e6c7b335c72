/** What logs say when processes crash that hold what was sent in secret. */
import { inspect } from 'node:util';
import { createNode, type Logger, type Self } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa } from '@actor-tls/ssl/testing';
import { expect, test } from 'vitest';
import { pairOf } from '../x509/live.js';

const payload = 'attack at dawn';

test.each(['binary', 'list'] as const)(
  'a crash report of an owner does not show what was decrypted, mode %s',
  async (mode) => {
    const written: string[] = [];
    const reports: object[] = [];
    const note = (fields: object, text: string): void => {
      written.push(text, inspect(fields, { depth: 9 }), JSON.stringify(fields));
      if ('lastMessage' in fields) reports.push(fields);
    };
    const logger: Logger = { error: note, warn: note, info: note, debug: note };
    const node = createNode({ logger });
    const self = node.shell();
    await ssl.start({ node });
    const ca = createCa();
    const options = { ...pairOf(ca.issue()), ip: 'loopback', active: false } as const;
    const listener = ssl.unwrap(await ssl.listen(self, 0, options));
    const { port } = ssl.unwrap(await ssl.sockname(listener));
    const accepted = ssl.transportAccept(self, listener).then(async (socket) => {
      const served = ssl.unwrap(await ssl.handshake(self, ssl.unwrap(socket)));
      const worker = async (owner: Self<ssl.SslMessage>): Promise<void> => {
        const { type } = await owner.receive();
        throw new Error(`cannot take ${type}`);
      };
      const pid = node.spawn(worker);
      await ssl.controllingProcess(served, pid);
      await ssl.setopts(served, { mode, active: true });
      return pid;
    });
    const client = ssl.unwrap(
      await ssl.connect(self, '127.0.0.1', port, { cacerts: [ca.cert], active: false }),
    );
    const pid = await accepted;
    const ended = self.monitor(pid);
    ssl.unwrap(await ssl.send(client, payload));
    await self.receive(
      (message) =>
        typeof message === 'object' && message !== null && 'ref' in message && message.ref === ended,
    );
    await ssl.stop(node);
    node.stop();
    const size = mode === 'binary' ? '<14 bytes>' : '<14 items>';
    expect(reports).toMatchObject([{ lastMessage: { type: 'ssl', data: size } }]);
    const all = written.join('\n');
    const forms = [
      payload,
      Buffer.from(payload).toString('hex'),
      [...Buffer.from(payload)].join(','),
      '61 74 74 61 63 6b',
      '97, 116',
    ];
    for (const form of forms) expect(all).not.toContain(form);
  },
);
