/**
 * The handshakes of RFC 8448, replayed through the real client and server; their bytes are compared with the trace's.
 * Hellos and EncryptedExtensions of the traces carry extensions that we do not send (record_size_limit,
 * session_ticket): there an interpreter stands between the core and the wire, and everything after it must fit again.
 */
import { X509Certificate } from 'node:crypto';
import { Core } from '@actor-tls/ssl/core';
import { expect, test } from 'vitest';
import type { Inbound } from '../../packages/ssl/src/protocol/channel.js';
import { clientHelloColumn, readExtensions } from '../../packages/ssl/src/protocol/extensions/table.js';
import { StreamChannel } from '../../packages/ssl/src/protocol/stream-channel.js';
import type { PskOffer } from '../../packages/ssl/src/protocol/tls13/psk.js';
import type {
  CryptoEngine,
  GroupName,
  KeyShare,
  RunningHash,
} from '../../packages/ssl/src/values/crypto/engine.js';
import { schemeByCode } from '../../packages/ssl/src/values/registry/schemes.js';
import { suiteByName } from '../../packages/ssl/src/values/registry/suites.js';
import { Secret } from '../../packages/ssl/src/values/secret.js';
import {
  decodeHandshake,
  encodeHandshake,
  type HandshakeType,
  handshakeByCode,
} from '../../packages/ssl/src/values/wire/tls13-messages.js';
import { testWithKey } from '../support/engine.js';
import { describeWithData } from '../support/report.js';
import { readSharedJson } from '../support/shared.js';
import { without } from './bend.js';
import { engineHashing } from './bent-engine.js';
import {
  type ClientOverrides,
  clientOptions,
  engine,
  peerChain,
  Recorder,
  ResumingRecorder,
  serverOptions,
} from './two-cores.js';

interface Step {
  readonly who: 'client' | 'server';
  readonly does: string;
  readonly fields: readonly { readonly name: string; readonly hex: string }[];
}
interface Trace {
  readonly title: string;
  readonly steps: readonly Step[];
}

function isTraces(value: unknown): value is { readonly traces: readonly Trace[] } {
  return typeof value === 'object' && value !== null && 'traces' in value && Array.isArray(value.traces);
}

function traceOf(title: string): Trace {
  const data = readSharedJson('rfc8448.json.gz');
  const trace = isTraces(data) ? data.traces.find((each) => each.title.startsWith(title)) : undefined;
  if (trace === undefined) throw new Error(`no trace ${title}`);
  return trace;
}

/** The values of a field in all steps of one side whose description starts so. */
function values(trace: Trace, who: Step['who'], does: string, field: string): readonly Uint8Array[] {
  return trace.steps
    .filter((step) => step.who === who && step.does.startsWith(does))
    .flatMap((step) => step.fields.filter(({ name }) => name === field))
    .map(({ hex }) => new Uint8Array(Buffer.from(hex, 'hex')));
}

function value(trace: Trace, who: Step['who'], does: string, field: string, index = 0): Uint8Array {
  const found = values(trace, who, does, field).at(index);
  if (found === undefined) throw new Error(`${trace.title}: ${who} does not ${does} ${field}`);
  return found;
}

const message = (trace: Trace, who: Step['who'], name: string, index = 0): Uint8Array =>
  value(trace, who, `construct a`, name, index);
const records = (trace: Trace, who: Step['who']): readonly Uint8Array[] =>
  values(trace, who, 'send ', 'complete record');
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const join = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

function shareOf(trace: Trace, who: Step['who'], curve: 'x25519' | 'P-256'): KeyShare {
  const name: GroupName = curve === 'x25519' ? 'x25519' : 'secp256r1';
  const share = engine
    .group(name)
    ?.fromPrivateKey(value(trace, who, `create an ephemeral ${curve}`, 'private key'));
  if (share === undefined) throw new Error(`no group ${name}`);
  expect(hex(share.publicKey)).toBe(hex(value(trace, who, `create an ephemeral ${curve}`, 'public key')));
  return share;
}

function aes128() {
  const suite = suiteByName('TLS_AES_128_GCM_SHA256');
  const hash = engine.hash('sha256');
  if (suite === undefined || hash === undefined) throw new Error('no such suite');
  return { suite, hash };
}

/** One binder of SHA-256, with the lengths of the list and of its own. */
const bindersLength = 35;
const recordSizeLimit = 28;

/**
 * Stands between a core and the wire. The core says a message of its own; on the wire, and in its transcript, the
 * trace's stands in its place. What the trace's server answers to an extension that only the trace's hello had, the
 * core does not hear.
 */
class Interpreter {
  readonly engine: CryptoEngine;
  readonly channel: NonNullable<ClientOverrides['channel']>;
  /** Messages of the core that others stand for. */
  readonly said: Uint8Array[] = [];
  private readonly lines: Partial<Record<HandshakeType, Uint8Array[]>>;
  /** What stands on the wire for a message of the core, by its bytes. */
  private readonly wire = new Map<string, Uint8Array>();

  /** `lines`: what the core's messages of a type become, the first of it first; all others stay. */
  constructor(lines: Partial<Record<HandshakeType, readonly Uint8Array[]>>) {
    this.lines = Object.fromEntries(Object.entries(lines).map(([type, all]) => [type, [...all]]));
    this.engine = engineHashing((hash) => ({
      digest: (data) => hash.digest(this.onWire(data)),
      start: () => this.hashing(hash.start()),
    }));
    this.channel = (...settings) => new InterpretedChannel(this, ...settings);
  }

  onWire(message: Uint8Array): Uint8Array {
    const type = typeOf(message);
    if (type === undefined) return message;
    // RFC 8446 §4.2.11.2: a hello is hashed without its binders, too.
    if (type === 'client_hello' && missing(message) === bindersLength) {
      const [whole] = this.lines[type] ?? [];
      return whole?.subarray(0, -bindersLength) ?? message;
    }
    if (missing(message) !== 0) return message;
    const known = this.wire.get(hex(message));
    if (known !== undefined) return known;
    const line = this.lines[type]?.shift();
    if (line === undefined) return message;
    this.said.push(message);
    this.wire.set(hex(message), line);
    return line;
  }

  heard(message: Uint8Array): Uint8Array {
    if (typeOf(message) !== 'encrypted_extensions') return message;
    const { extensions } = decodeHandshake('encrypted_extensions', message);
    const less = encodeHandshake('encrypted_extensions', {
      extensions: without(extensions, recordSizeLimit),
    });
    this.wire.set(hex(less), message);
    return less;
  }

  private hashing(running: RunningHash): RunningHash {
    return {
      update: (data) => running.update(this.onWire(data)),
      digest: () => running.digest(),
      fork: () => this.hashing(running.fork()),
    };
  }
}

class InterpretedChannel extends StreamChannel {
  private readonly interpreter: Interpreter;

  constructor(interpreter: Interpreter, ...settings: ConstructorParameters<typeof StreamChannel>) {
    super(...settings);
    this.interpreter = interpreter;
  }

  override addMessage(message: Uint8Array): void {
    super.addMessage(this.interpreter.onWire(message));
  }

  override next(): Inbound | undefined {
    const inbound = super.next();
    return inbound?.type === 'message' ? { ...inbound, raw: this.interpreter.heard(inbound.raw) } : inbound;
  }
}

function typeOf(message: Uint8Array): HandshakeType | undefined {
  const [code] = message;
  return code === undefined ? undefined : handshakeByCode(code);
}

/** Bytes that a message's header promises and that are not there. */
function missing(message: Uint8Array): number {
  const [, high = 0, middle = 0, low = 0] = message;
  return 4 + (high << 16) + (middle << 8) + low - message.length;
}

function accept(chain: readonly Uint8Array[], core: Core): void {
  const spki = new X509Certificate(chain[0] ?? new Uint8Array(0)).publicKey.export({
    type: 'spki',
    format: 'der',
  });
  const key = engine.importPublicKey(new Uint8Array(spki));
  if (key === undefined) throw new Error('a key the engine lacks');
  core.answerVerdict({ ok: key });
}

/** The chain and signature that a side shows in a trace, as an identity whose key is elsewhere. */
function shown(trace: Trace, who: Step['who']) {
  const certificate = decodeHandshake('certificate', message(trace, who, 'Certificate'));
  const verify = decodeHandshake('certificate_verify', message(trace, who, 'CertificateVerify'));
  const scheme = schemeByCode(verify.algorithm);
  if (scheme === undefined) throw new Error('an unknown scheme');
  const chain = certificate.certificateList.map(({ certData }) => certData);
  return { identity: { chain, key: 'remote', schemes: [scheme.name] } as const, signature: verify.signature };
}

interface Replay {
  readonly core: Core;
  readonly sink: Recorder;
  /** What the core itself said in place of the trace's hellos. */
  readonly said: readonly Uint8Array[];
}

/** A client core that has just sent a trace's hello, with its sink. */
function replayClient(
  trace: Trace,
  hellos: readonly Uint8Array[],
  overrides: ClientOverrides = {},
  sink: Recorder = new Recorder(accept),
): Replay {
  const interpreter = new Interpreter({ client_hello: hellos });
  const hello = decodeHandshake('client_hello', hellos[0] ?? new Uint8Array(0));
  const chances = [hello.random, hello.legacySessionId];
  const options = clientOptions({
    ...overrides,
    config: { ciphers: [aes128().suite], middleboxCompMode: trace.title.startsWith('Compatibility') },
    channel: interpreter.channel,
    dependencies: {
      engine: interpreter.engine,
      random: () => chances.shift() ?? new Uint8Array(0),
      keyShare: ({ name }) => shareOf(trace, 'client', name === 'x25519' ? 'x25519' : 'P-256'),
    },
  });
  const core = Core.client(options, sink);
  sink.core = core;
  core.start();
  return { core, sink, said: interpreter.said };
}

/** Data and close_notify as in the trace, both ways. */
function talk(trace: Trace, core: Core, sink: Recorder, role: Step['who']): void {
  for (const payload of values(trace, role, 'send application_data', 'payload')) core.send(payload);
  core.close();
  const sent = [
    ...values(trace, role, 'send application_data', 'complete record'),
    ...values(trace, role, 'send alert', 'complete record'),
  ];
  expect(hex(sink.take())).toBe(hex(join(sent)));
}

describeWithData('RFC 8448, client', ['rfc8448.json.gz'], () => {
  // The server of the traces has an RSA key.
  testWithKey('rsa').each(['Simple 1-RTT', 'Client Authentication', 'Compatibility Mode'])('%s', (title) => {
    const trace = traceOf(title);
    const own = title === 'Client Authentication' ? shown(trace, 'client') : undefined;
    const hellos = [message(trace, 'client', 'ClientHello')];
    const { core, sink } = replayClient(trace, hellos, own && { identities: [own.identity] });
    sink.onSignature = (_algorithm, _data, signer) =>
      signer.answerSignature(own?.signature ?? new Uint8Array(0));
    const [hello, ...flight] = records(trace, 'client');
    expect(hex(sink.take())).toBe(hex(hello ?? new Uint8Array(0)));
    const isLater = (step: Step) => /send (application_data|alert)/.test(step.does);
    const later = trace.steps.filter((step) => step.who === 'client' && isLater(step)).length;
    core.receive(join(records(trace, 'server').slice(0, title === 'Compatibility Mode' ? 3 : 2)));
    expect(sink.failures).toEqual([]);
    expect(sink.facts).toMatchObject({ role: 'client', group: 'x25519' });
    expect(hex(sink.take())).toBe(hex(join(flight.slice(0, flight.length - later))));
    for (const record of records(trace, 'server').slice(title === 'Compatibility Mode' ? 3 : 2, -1)) {
      core.receive(record);
    }
    expect(hex(join(sink.delivered))).toBe(
      hex(join(values(trace, 'server', 'send application_data', 'payload'))),
    );
    talk(trace, core, sink, 'client');
    core.receive(records(trace, 'server').at(-1) ?? new Uint8Array(0));
    expect(sink.closedCount).toBe(1);
  });

  testWithKey('rsa')('HelloRetryRequest', () => {
    const trace = traceOf('HelloRetryRequest');
    const hellos = [0, 1].map((index) => message(trace, 'client', 'ClientHello', index));
    const { core, sink, said } = replayClient(trace, hellos);
    const [first, second, finished] = records(trace, 'client');
    expect(hex(sink.take())).toBe(hex(first ?? new Uint8Array(0)));
    const [retry, serverHello, flight, alert] = records(trace, 'server');
    core.receive(retry ?? new Uint8Array(0));
    expect(core.stateName).toBe('start');
    expect(hex(sink.take())).toBe(hex(second ?? new Uint8Array(0)));
    // What our second hello must have in common with the trace's: the cookie and the share asked for.
    const [, ours, theirs] = [...said, ...hellos.slice(1)].map((raw) =>
      readExtensions(clientHelloColumn, decodeHandshake('client_hello', raw).extensions),
    );
    expect(ours?.keyShare?.map(({ group }) => group)).toEqual([23]);
    expect(ours?.keyShare).toEqual(theirs?.keyShare);
    expect(ours?.cookie).toBeDefined();
    expect(ours?.cookie).toEqual(theirs?.cookie);
    core.receive(join([serverHello ?? new Uint8Array(0), flight ?? new Uint8Array(0)]));
    expect(sink.failures).toEqual([]);
    expect(sink.facts).toMatchObject({ group: 'secp256r1', retried: true });
    expect(hex(sink.take())).toBe(hex(finished ?? new Uint8Array(0)));
    talk(trace, core, sink, 'client');
    core.receive(alert ?? new Uint8Array(0));
    expect(sink.closedCount).toBe(1);
  });
});

describeWithData('RFC 8448, server', ['rfc8448.json.gz'], () => {
  testWithKey('rsa').each([
    'Simple 1-RTT',
    'HelloRetryRequest',
    'Client Authentication',
    'Compatibility Mode',
  ])('%s', (title) => {
    const trace = traceOf(title);
    const retried = title === 'HelloRetryRequest';
    const own = shown(trace, 'server');
    const share = shareOf(trace, 'server', retried ? 'P-256' : 'x25519');
    const theirs = message(trace, 'server', 'ServerHello');
    const interpreter = new Interpreter({
      server_hello: retried ? [theirs] : [],
      encrypted_extensions: values(trace, 'server', 'construct a', 'EncryptedExtensions'),
      certificate_request: values(trace, 'server', 'construct a', 'CertificateRequest'),
    });
    const sink = new Recorder(accept);
    const core = Core.server(
      serverOptions({
        config: {
          ciphers: [aes128().suite],
          supportedGroups: retried ? ['secp256r1'] : ['x25519'],
          verify: title === 'Client Authentication' ? 'verify_peer' : 'verify_none',
          failIfNoPeerCert: true,
          keepSecrets: true,
        },
        identities: [own.identity],
        channel: interpreter.channel,
        dependencies: {
          engine: interpreter.engine,
          random: () => decodeHandshake('server_hello', message(trace, 'server', 'ServerHello', -1)).random,
          keyShare: () => share,
        },
      }),
      sink,
    );
    sink.core = core;
    sink.onSignature = (_algorithm, _data, signer) => signer.answerSignature(own.signature);

    const [hello, second, ...rest] = records(trace, 'client');
    core.receive(hello ?? new Uint8Array(0));
    const flight = records(trace, 'server').slice(0, title === 'Compatibility Mode' || retried ? 3 : 2);
    if (retried) {
      expect(hex(sink.take())).toBe(hex(flight.shift() ?? new Uint8Array(0)));
      // The trace's HelloRetryRequest has a cookie, ours has none.
      const [retry] = interpreter.said.map((raw) => decodeHandshake('server_hello', raw));
      const traced = decodeHandshake('server_hello', theirs);
      expect(retry).toEqual({ ...traced, extensions: without(traced.extensions, 44) });
      core.receive(second ?? new Uint8Array(0));
    }
    expect(sink.failures).toEqual([]);
    expect(hex(sink.take())).toBe(hex(join(flight)));

    // And the client's flight completes the handshake.
    const clientFlight = retried ? rest.slice(0, 1) : [second ?? new Uint8Array(0)];
    if (title === 'Compatibility Mode') clientFlight.push(...rest.slice(0, 1));
    core.receive(join(clientFlight));
    expect(sink.failures).toEqual([]);
    expect(sink.facts).toMatchObject({
      role: 'server',
      retried,
      secrets: {
        clientHandshakeTraffic: value(trace, 'server', 'derive secret "tls13 c hs', 'expanded'),
        serverHandshakeTraffic: value(trace, 'server', 'derive secret "tls13 s hs', 'expanded'),
      },
    });
    expect(peerChain(sink.facts)).toHaveLength(title === 'Client Authentication' ? 1 : 0);
    const write = core.split();
    for (const ticket of values(trace, 'server', 'construct a', 'NewSessionTicket')) {
      const [record] = values(trace, 'server', 'send handshake', 'complete record').slice(-1);
      expect(hex(join(write.sealHandshake(ticket)))).toBe(hex(record ?? new Uint8Array(0)));
    }
    core.join(write);
    for (const record of values(trace, 'client', 'send application_data', 'complete record'))
      core.receive(record);
    expect(hex(join(sink.delivered))).toBe(
      hex(join(values(trace, 'client', 'send application_data', 'payload'))),
    );
    talk(trace, core, sink, 'server');
    core.receive(records(trace, 'client').at(-1) ?? new Uint8Array(0));
    expect(sink.closedCount).toBe(1);
  });
});

/** Section 4: the key is that of section 3's ticket, and data goes out early under it. */
const resumed = 'Resumed 0-RTT';

function resumedHello(trace: Trace): Uint8Array {
  return value(trace, 'client', 'send handshake', 'payload');
}

/** The key of the trace as a client offers it. */
function tracedPsk(trace: Trace): PskOffer {
  const { suite } = aes128();
  const hello = decodeHandshake('client_hello', resumedHello(trace));
  const [identity] = readExtensions(clientHelloColumn, hello.extensions).preSharedKey?.identities ?? [];
  if (identity === undefined) throw new Error('the trace offers no key');
  return {
    ...identity,
    origin: 'resumption',
    secret: new Secret(value(trace, 'client', 'extract secret "early"', 'IKM')),
    hash: 'sha256',
    chain: [],
    earlyData: { suite, alpn: undefined, maxSize: 1024 },
  };
}

/** What the trace's connection gives for tickets of its own. */
function resumptionPsk(trace: Trace, nonce: Uint8Array): Uint8Array {
  const master = value(trace, 'client', 'derive secret "tls13 res master"', 'expanded');
  return aes128().hash.labels(master).expandLabel('resumption', nonce, 32);
}

function close(
  trace: Trace,
  core: Core,
  sink: Recorder,
  role: Step['who'],
  rest: readonly Uint8Array[],
): void {
  for (const payload of values(trace, role, 'send application_data', 'payload').slice(-1)) core.send(payload);
  core.close();
  expect(hex(sink.take())).toBe(hex(join(records(trace, role).slice(-2))));
  for (const record of rest) core.receive(record);
  expect(hex(join(sink.delivered))).toBe(
    hex(value(trace, role === 'client' ? 'server' : 'client', 'send application_data', 'payload', -1)),
  );
  expect(sink.closedCount).toBe(1);
}

describeWithData('RFC 8448, resumption with early data', ['rfc8448.json.gz'], () => {
  testWithKey('rsa')('the ticket of section 3 is the key of section 4', () => {
    const sink = new ResumingRecorder(accept);
    const first = traceOf('Simple 1-RTT');
    const { core } = replayClient(first, [message(first, 'client', 'ClientHello')], {}, sink);
    for (const record of records(first, 'server').slice(0, 3)) core.receive(record);
    const [ticket] = sink.tickets;
    expect(hex(ticket?.secret.expose() ?? new Uint8Array(0))).toBe(
      hex(tracedPsk(traceOf(resumed)).secret.expose()),
    );
    expect(hex(ticket?.identity ?? new Uint8Array(0))).toBe(hex(tracedPsk(traceOf(resumed)).identity));
    expect(ticket?.maxEarlyDataSize).toBe(1024);
  });

  test('client', () => {
    const trace = traceOf(resumed);
    const raw = resumedHello(trace);
    const { core, sink, said } = replayClient(
      trace,
      [raw],
      { resumption: { psks: [tracedPsk(trace)], earlyData: 'offered' } },
      new ResumingRecorder(accept),
    );
    expect(hex(raw.subarray(0, -bindersLength))).toBe(hex(message(trace, 'client', 'ClientHello')));
    const [ours, theirs] = [...said, raw].map((hello) =>
      readExtensions(clientHelloColumn, decodeHandshake('client_hello', hello).extensions),
    );
    expect(ours?.preSharedKey?.binders).toHaveLength(1);
    expect(ours?.preSharedKey).toEqual(theirs?.preSharedKey);
    core.sendEarlyData(value(trace, 'client', 'send application_data', 'payload'));
    const [hello, early, endOfEarlyData, finished] = records(trace, 'client').map(hex);
    expect(hex(sink.take())).toBe(`${hello}${early}`);

    const [serverHello, flight, ...rest] = records(trace, 'server');
    core.receive(join([serverHello ?? new Uint8Array(0), flight ?? new Uint8Array(0)]));
    expect(sink.failures).toEqual([]);
    expect(hex(sink.take())).toBe(`${endOfEarlyData}${finished}`);
    expect(sink.facts).toMatchObject({ sessionResumption: true, earlyData: 'accepted' });
    const nonce = Uint8Array.of(1);
    expect(hex(core.ticketPsk(nonce)?.expose() ?? new Uint8Array(0))).toBe(hex(resumptionPsk(trace, nonce)));
    close(trace, core, sink, 'client', rest);
  });

  test('server', () => {
    const trace = traceOf(resumed);
    const share = shareOf(trace, 'server', 'x25519');
    const helloMessage = message(trace, 'server', 'ServerHello');
    const interpreter = new Interpreter({
      encrypted_extensions: [message(trace, 'server', 'EncryptedExtensions')],
    });
    const sink = new ResumingRecorder(accept);
    const core = Core.server(
      serverOptions({
        config: { ciphers: [aes128().suite], supportedGroups: ['x25519'] },
        identities: [],
        channel: interpreter.channel,
        dependencies: {
          engine: interpreter.engine,
          random: () => decodeHandshake('server_hello', helloMessage).random,
          keyShare: () => share,
        },
      }),
      sink,
    );
    sink.core = core;
    sink.onPsk = (_wish, asked) => asked.answerPsk({ index: 0, psk: tracedPsk(trace) });
    const [hello, early, ...rest] = records(trace, 'client');
    core.receive(join([hello ?? new Uint8Array(0), early ?? new Uint8Array(0)]));
    expect(sink.failures).toEqual([]);
    expect(hex(join(sink.early))).toBe(hex(value(trace, 'client', 'send application_data', 'payload')));
    expect(hex(sink.take())).toBe(hex(join(records(trace, 'server').slice(0, 2))));

    for (const record of rest.splice(0, 2)) core.receive(record);
    expect(sink.failures).toEqual([]);
    expect(sink.facts).toMatchObject({ sessionResumption: true, earlyData: 'accepted' });
    const nonce = Uint8Array.of(1);
    expect(hex(core.ticketPsk(nonce)?.expose() ?? new Uint8Array(0))).toBe(hex(resumptionPsk(trace, nonce)));
    close(trace, core, sink, 'server', rest);
  });
});
