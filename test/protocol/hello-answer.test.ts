/**
 * Options after the peer's first hello: the core asks for them (`askHello`) and goes on with what it is answered, at
 * once or later, as `sni_fun`, `handshake/3` after a pause and lookups need it.
 */
import { Core, type HelloEvent } from '@actor-tls/ssl/core';
import { describe, expect, test } from 'vitest';
import {
  acceptKnown,
  type ClientOverrides,
  clientOptions,
  type End,
  exchange,
  identityOf,
  peerChain,
  Recorder,
  type ServerOverrides,
  serverOptions,
  tls12,
} from './two-cores.js';

/** A recorder that is asked with which options to go on. */
class Asked extends Recorder {
  readonly hellos: HelloEvent[] = [];
  readonly onHello: (hello: HelloEvent, core: Core) => void;
  constructor(onHello: (hello: HelloEvent, core: Core) => void) {
    super(acceptKnown);
    this.onHello = onHello;
  }
  askHello(hello: HelloEvent): void {
    this.hellos.push(hello);
    if (this.core !== undefined) this.onHello(hello, this.core);
  }
}

interface AskedEnd extends End {
  readonly sink: Asked;
}

function askedServer(onHello: Asked['onHello'], overrides: ServerOverrides = {}): AskedEnd {
  const sink = new Asked(onHello);
  const core = Core.server(serverOptions(overrides), sink);
  sink.core = core;
  return { core, sink };
}

function askedClient(onHello: Asked['onHello'], overrides: ClientOverrides = {}): AskedEnd {
  const sink = new Asked(onHello);
  const core = Core.client(clientOptions(overrides), sink);
  sink.core = core;
  return { core, sink };
}

/** Not what the server would show by itself. */
const other = identityOf({ ec: 'secp384r1' });
const later = (): void => {};

function talk(ends: { readonly client: End; readonly server: End }): void {
  ends.client.core.start();
  exchange(ends.client, ends.server);
}

describe.each(['tlsv1.3', 'tlsv1.2'] as const)(
  'a server of %s that is asked after the ClientHello',
  (name) => {
    const config = name === 'tlsv1.2' ? tls12 : {};

    test.each(['at once', 'later'] as const)('takes its certificate from the answer, %s', (when) => {
      const others = serverOptions({ config, identities: [other.identity] });
      const server = askedServer(
        (hello, core) => {
          expect(Buffer.from(hello.raw).includes('localhost')).toBe(true);
          if (when === 'at once') core.answerHello(others);
        },
        { config },
      );
      const client = askedClient((_hello, core) => core.answerHello(clientOptions({ config })), { config });
      talk({ client, server });
      if (when === 'later') {
        expect(server.core.awaiting).toBe('hello');
        expect(server.core.greeted).toBe(true);
        expect(server.core.stateName).toBe('user_hello');
        expect(server.sink.writes).toEqual([]);
        server.core.answerHello(others);
        exchange(client, server);
      }
      expect(peerChain(client.sink.facts)).toEqual(other.identity.chain);
      expect(server.sink.facts?.protocol).toBe(name);
      expect(server.sink.hellos.map(({ type }) => type)).toEqual(['client_hello']);
    });

    test('staples nothing when nobody is there to ask for a response, whatever the certificate says', () => {
      const identity = { ...identityOf('ec').identity, stapling: 'ask' } as const;
      const server = askedServer(
        (_hello, core) => core.answerHello(serverOptions({ config, identities: [identity] })),
        {
          config,
        },
      );
      const sink = new Recorder(acceptKnown);
      const statusRequest = { responderIds: [], requestExtensions: new Uint8Array(0) };
      const core = Core.client({ ...clientOptions({ config }), statusRequest }, sink);
      sink.core = core;
      talk({ client: { core, sink }, server });
      expect(sink.facts?.protocol).toBe(name);
      expect(server.sink.failures).toEqual([]);
    });

    test.each([true, false])('says that the name was used when it was: %s', (nameUsed) => {
      const server = askedServer((_hello, core) =>
        core.answerHello({ ...serverOptions({ config }), nameUsed }),
      );
      const client = askedClient((_hello, core) => core.answerHello(clientOptions({ config })), { config });
      const messages: Uint8Array[] = [];
      Object.assign(client.sink, {
        trace: (direction: string, kind: string, bytes: Uint8Array) => {
          if (direction === 'in' && kind === 'message') messages.push(new Uint8Array(bytes));
        },
      });
      talk({ client, server });
      // An empty server_name, in EncryptedExtensions or in the ServerHello of TLS 1.2.
      const [serverHello, encryptedExtensions] = messages;
      const told = Buffer.from((name === 'tlsv1.2' ? serverHello : encryptedExtensions) ?? []);
      expect(told.subarray(4).toString('hex').includes('00000000')).toBe(nameUsed);
    });

    test('asks the client for a certificate when only the answer says so', () => {
      const insisting = serverOptions({
        config: { ...config, verify: 'verify_peer', failIfNoPeerCert: true },
      });
      const server = askedServer((_hello, core) => core.answerHello(insisting), { config });
      const client = askedClient((_hello, core) => core.answerHello(clientOptions({ config })), { config });
      talk({ client, server });
      expect(server.sink.failures).toMatchObject([{ by: 'self' }]);
    });
  },
);

describe('options after the hello', () => {
  test('a version is chosen by the answer, not before', () => {
    const server = askedServer((_hello, core) => core.answerHello(serverOptions({ config: tls12 })));
    const client = askedClient((_hello, core) => core.answerHello(both), { config: both.config });
    talk({ client, server });
    expect(client.sink.facts?.protocol).toBe('tlsv1.2');
  });

  test('an answer without a common version ends in protocol_version', () => {
    const server = askedServer((_hello, core) => core.answerHello(serverOptions({ config: tls12 })));
    const client = askedClient((_hello, core) => core.answerHello(clientOptions()));
    talk({ client, server });
    expect(server.sink.failures).toMatchObject([{ alert: 'protocol_version', state: 'hello' }]);
  });

  test.each(['at once', 'later'] as const)('a client takes its certificate from the answer, %s', (when) => {
    const answer = clientOptions({ identities: [identityOf('ed25519').identity] });
    const client = askedClient((_hello, core) => {
      if (when === 'at once') core.answerHello(answer);
    });
    const insisting = serverOptions({ config: { verify: 'verify_peer', failIfNoPeerCert: true } });
    const server = askedServer((_hello, core) => core.answerHello(insisting));
    talk({ client, server });
    if (when === 'later') {
      expect(client.core.awaiting).toBe('hello');
      client.core.answerHello(answer);
      exchange(client, server);
    }
    expect(peerChain(server.sink.facts)).toEqual(identityOf('ed25519').identity.chain);
    expect(client.sink.hellos.map(({ type }) => type)).toEqual(['server_hello']);
  });

  test('a client whose answer wants no version that the server has selected ends in protocol_version', () => {
    const client = askedClient((_hello, core) => core.answerHello(clientOptions({ config: tls12 })), both);
    talk({ client, server: askedServer((_hello, core) => core.answerHello(serverOptions())) });
    expect(client.sink.failures).toMatchObject([{ alert: 'protocol_version' }]);
  });

  test('is asked for once, however often the hello is said', () => {
    const server = askedServer((_hello, core) =>
      core.answerHello(serverOptions({ config: { supportedGroups: ['secp384r1'] } })),
    );
    const client = askedClient((_hello, core) => core.answerHello(clientOptions()));
    talk({ client, server });
    expect(server.sink.facts?.retried).toBe(true);
    expect([server.sink.hellos.length, client.sink.hellos.length]).toEqual([1, 1]);
  });

  test('while the answer is awaited input is held back, the end of the transport too', () => {
    const server = askedServer(later);
    const client = askedClient(later);
    client.core.start();
    server.core.receive(client.sink.take());
    server.core.receive(Uint8Array.of(23, 3, 3, 0, 1, 0));
    server.core.receiveEnd();
    expect([server.sink.failures.length, server.sink.closedCount]).toEqual([0, 0]);
    server.core.answerHello(serverOptions());
    expect(server.sink.failures).toMatchObject([{ by: 'self' }]);
  });

  test('nobody is asked about a hello that is none', () => {
    const server = askedServer(later);
    server.core.receive(Uint8Array.of(22, 3, 1, 0, 8, 1, 0, 0, 4, 3, 3, 0, 0));
    expect(server.sink.hellos).toEqual([]);
    expect(server.sink.failures).toMatchObject([{ alert: 'decode_error' }]);
  });

  test('an answer that nobody asked for is a fault of the caller; one that comes too late is nothing', () => {
    const server = askedServer(later);
    expect(() => server.core.answerHello(serverOptions())).toThrow(TypeError);
    const client = askedClient(later);
    client.core.start();
    server.core.receive(client.sink.take());
    server.core.fail('user_canceled');
    server.core.answerHello(serverOptions());
    expect(server.sink.failures).toMatchObject([{ alert: 'user_canceled', state: 'user_hello' }]);
  });

  test('the answer of the other role is a fault of the caller and ends the connection', () => {
    const server = askedServer((_hello, core) => core.answerHello(clientOptions()));
    const client = askedClient(later);
    talk({ client, server });
    expect(server.sink.failures).toMatchObject([{ alert: 'internal_error' }]);
  });
});

const both = clientOptions({
  config: {
    versions: ['tlsv1.3', 'tlsv1.2'],
    ciphers: [...clientOptions().config.ciphers, ...tls12.ciphers],
  },
});
