/**
 * A client and a server of `@actor-tls/ssl/core` that talk in memory and judge each other's certificates. It is bundled
 * and run where there is no Node, so that it uses nothing but the language and what browsers have.
 */
import {
  Core,
  type CoreClientOptions,
  type CoreServerOptions,
  clientSettings,
  defaultEngine as engine,
  type Facts,
  identityFromPem,
  judge,
  type Sink,
  serverSettings,
} from '@actor-tls/ssl/core';

/** PEM texts; a certificate stands before its key. */
export interface Material {
  readonly ca: string;
  readonly otherCa: string;
  readonly server: string;
  readonly client: string;
}

/** One connection each: what it was about, and how it went. */
export async function talk(material: Material): Promise<readonly string[]> {
  const { ca, client, otherCa } = material;
  const strict: CoreServerOptions = { verify: 'verify_peer', cacerts: ca, failIfNoPeerCert: true };
  return [
    `engine ${engine.name}`,
    `defaults: ${await connect(material, {})}`,
    `aes 256: ${await connect(material, { ciphers: ['TLS_AES_256_GCM_SHA384'], supportedGroups: ['secp384r1'] })}`,
    `chacha: ${await connect(material, { ciphers: ['TLS_CHACHA20_POLY1305_SHA256'], supportedGroups: ['secp256r1'] })}`,
    `protocols: ${await connect(material, { alpnAdvertisedProtocols: ['a', 'b'] }, { alpnPreferredProtocols: ['b'] })}`,
    `both judge: ${await connect(material, {}, strict, client)}`,
    `no certificate: ${await connect(material, {}, strict)}`,
    `another CA: ${await connect(material, { cacerts: otherCa })}`,
    `another host: ${await connect(material, {}, {}, undefined, 'elsewhere.example')}`,
  ];
}

async function connect(
  { ca, server }: Material,
  clientOptions: CoreClientOptions,
  serverOptions: CoreServerOptions = {},
  ownCertificate?: string,
  host = 'localhost',
): Promise<string> {
  const now = Date.now();
  const dependencies = { engine };
  const settings = clientSettings({ cacerts: ca, ...clientOptions }, engine);
  const one = new End((chain) => judge({ chain, config: settings, engine, host, now }));
  one.core = Core.client(
    {
      config: settings,
      identities: ownCertificate === undefined ? [] : [identityFromPem(ownCertificate, engine)],
      dependencies,
      serverName: host,
    },
    one,
  );
  const config = serverSettings(serverOptions, engine);
  const other = new End((chain) => judge({ chain, config, engine, host: undefined, now }));
  const identities = [identityFromPem(server, engine)];
  other.core = Core.server({ config, identities, dependencies, certificateAuthorities: [] }, other);
  one.core.start();
  await exchange(one, other);
  return one.failure ?? other.failure ?? (await echo(one, other));
}

/** 40 KB there and back. */
async function echo(one: End, other: End): Promise<string> {
  const data = new Uint8Array(40_000).map((_, i) => i * 7);
  one.core?.send(data);
  await exchange(one, other);
  for (const chunk of other.received.splice(0)) other.core?.send(chunk);
  await exchange(one, other);
  let at = 0;
  for (const chunk of one.received) for (const byte of chunk) if (byte !== data[at++]) return 'other bytes';
  return `${at === data.length ? '' : 'only '}${at} bytes${one.protocol}`;
}

/** Carries what was written until both have nothing more to say, judgements included. */
async function exchange(one: End, other: End): Promise<void> {
  for (let idle = 0; idle < 10; idle++) {
    const bytes = [one.outbox.splice(0), other.outbox.splice(0)] as const;
    if (bytes[0].length + bytes[1].length > 0) idle = 0;
    for (const chunk of bytes[0]) other.core?.receive(chunk);
    for (const chunk of bytes[1]) one.core?.receive(chunk);
    await Promise.resolve();
  }
}

class End implements Sink {
  readonly outbox: Uint8Array[] = [];
  readonly received: Uint8Array[] = [];
  readonly #judge: (chain: readonly Uint8Array[]) => ReturnType<typeof judge>;
  core: Core | undefined;
  failure: string | undefined;
  protocol = '';

  constructor(judgeOf: (chain: readonly Uint8Array[]) => ReturnType<typeof judge>) {
    this.#judge = judgeOf;
  }

  write(pieces: readonly Uint8Array[]): void {
    for (const piece of pieces) this.outbox.push(piece.slice());
  }
  deliver(data: Uint8Array): void {
    this.received.push(data.slice());
  }
  async askVerdict(chain: readonly Uint8Array[]): Promise<void> {
    this.core?.answerVerdict(await this.#judge(chain));
  }
  failed({ alert, by, detail }: Parameters<Sink['failed']>[0]): void {
    this.failure = `${alert} by ${by} ${JSON.stringify(detail) ?? ''}`.trimEnd();
  }
  established({ alpn }: Facts): void {
    if (alpn !== undefined) this.protocol = ` of ${new TextDecoder().decode(alpn)}`;
  }
  askSignature(): void {}
  peerClosed(): void {}
  owes(): void {}
}
