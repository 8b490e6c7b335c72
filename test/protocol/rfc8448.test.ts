/**
 * The handshakes of RFC 8448, replayed through the real client and server. What is deterministic is compared byte by
 * byte. Hellos and EncryptedExtensions of the traces carry extensions that we do not send (record_size_limit,
 * session_ticket): there the trace's message is put into our state, and everything after it must fit again.
 */
import { X509Certificate } from 'node:crypto';
import { Core } from '@actor-tls/ssl/core';
import { expect, test } from 'vitest';
import { clientHelloColumn, readExtensions } from '../../packages/ssl/src/protocol/extensions/table.js';
import type { Tls13Offer } from '../../packages/ssl/src/protocol/hello/client-hello.js';
import { Tls13WriteProtection } from '../../packages/ssl/src/protocol/record/tls13-protection.js';
import { applicationKeys, type HandshakeKeys } from '../../packages/ssl/src/protocol/tls13/negotiated.js';
import { beforeBinders, type PskOffer } from '../../packages/ssl/src/protocol/tls13/psk.js';
import {
  binderOf,
  earlyDataTerms,
  earlyOffer,
  noEarlyData,
  usablePsks,
} from '../../packages/ssl/src/protocol/tls13/psk-offer.js';
import { Transcript } from '../../packages/ssl/src/protocol/transcript.js';
import type { GroupName, KeyShare } from '../../packages/ssl/src/values/crypto/engine.js';
import { schemeByCode } from '../../packages/ssl/src/values/registry/schemes.js';
import { suiteByName } from '../../packages/ssl/src/values/registry/suites.js';
import { Secret } from '../../packages/ssl/src/values/secret.js';
import { decodeHandshake } from '../../packages/ssl/src/values/wire/tls13-messages.js';
import { testWithKey } from '../support/engine.js';
import { describeWithData } from '../support/report.js';
import { readSharedJson } from '../support/shared.js';
import { clientOptions, engine, peerChain, Recorder, ResumingRecorder, serverOptions } from './two-cores.js';

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
  const aead = engine.aead('aes_128_gcm');
  const hash = engine.hash('sha256');
  if (suite === undefined || aead === undefined || hash === undefined) throw new Error('no such suite');
  return { suite, aead, hash };
}

/** The offer that a trace's ClientHello is. */
function offerOf(raw: Uint8Array, share: KeyShare, group: GroupName): Tls13Offer {
  const hello = decodeHandshake('client_hello', raw);
  const found = engine.group(group);
  if (found === undefined) throw new Error(`no group ${group}`);
  return {
    hello,
    raw,
    extensions: readExtensions(clientHelloColumn, hello.extensions),
    serverName: 'server',
    group: found,
    share,
    psks: [],
    early: noEarlyData,
  };
}

/** What hides behind the core's types; tests put a trace's state there. */
function inside(target: unknown, name: string): unknown {
  if (typeof target !== 'object' || target === null) throw new Error(`nothing to look for ${name} in`);
  return Reflect.get(target, name);
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

/** A client core that has just sent a trace's hello, with its sink. */
function replayClient(
  trace: Trace,
  own?: ReturnType<typeof shown>,
  sink: Recorder = new Recorder(accept),
): { core: Core; sink: Recorder } {
  const { suite } = aes128();
  const options = clientOptions({
    config: { ciphers: [suite], middleboxCompMode: trace.title.startsWith('Compatibility') },
    identities: own === undefined ? [] : [own.identity],
  });
  const core = Core.client(options, sink);
  sink.core = core;
  sink.onSignature = (_algorithm, _data, signer) =>
    signer.answerSignature(own?.signature ?? new Uint8Array(0));
  const offer = offerOf(
    message(trace, 'client', 'ClientHello'),
    shareOf(trace, 'client', 'x25519'),
    'x25519',
  );
  Reflect.set(core, 'phase', { ...Object(inside(core, 'phase')), offer });
  core.start();
  return { core, sink };
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
    const { core, sink } = replayClient(trace, own);
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
    const { core, sink } = replayClient(trace);
    const [first, second, finished] = records(trace, 'client');
    expect(hex(sink.take())).toBe(hex(first ?? new Uint8Array(0)));
    const [retry, serverHello, flight, alert] = records(trace, 'server');
    core.receive(retry ?? new Uint8Array(0));
    expect(core.stateName).toBe('start');
    // Our second hello has the cookie and the share asked for; the trace's goes into its place.
    const ours = readExtensions(
      clientHelloColumn,
      decodeHandshake('client_hello', sink.take().subarray(5)).extensions,
    );
    const raw = message(trace, 'client', 'ClientHello', 1);
    const offer = offerOf(raw, shareOf(trace, 'client', 'P-256'), 'secp256r1');
    expect(hex(ours.cookie ?? new Uint8Array(0))).toBe(hex(offer.extensions.cookie ?? new Uint8Array(0)));
    expect(ours.keyShare?.map(({ group }) => group)).toEqual([23]);
    expect(second).toBeDefined();
    const transcript = new Transcript(aes128().hash);
    transcript.add(message(trace, 'client', 'ClientHello'));
    transcript.replaceByMessageHash();
    transcript.add(message(trace, 'server', 'ServerHello'));
    transcript.add(raw);
    const handshake = inside(inside(core, 'phase'), 'handshake');
    const data = { ...Object(inside(handshake, 'data')), offer, transcript };
    Reflect.set(Object(handshake), 'data', data);
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
    const { suite, aead, hash } = aes128();
    const own = shown(trace, 'server');
    const share = shareOf(trace, 'server', retried ? 'P-256' : 'x25519');
    const helloMessage = message(trace, 'server', 'ServerHello', retried ? 1 : 0);
    const sink = new Recorder(accept);
    const core = Core.server(
      serverOptions({
        config: {
          ciphers: [suite],
          supportedGroups: retried ? ['secp256r1'] : ['x25519'],
          verify: title === 'Client Authentication' ? 'verify_peer' : 'verify_none',
          failIfNoPeerCert: true,
        },
        identities: [own.identity],
        dependencies: {
          engine,
          random: () => decodeHandshake('server_hello', helloMessage).random,
          keyShare: () => share,
        },
      }),
      sink,
    );
    sink.core = core;
    sink.onSignature = (_algorithm, _data, signer) => signer.answerSignature(own.signature);

    const transcript = new Transcript(hash);
    const [hello, second, ...rest] = records(trace, 'client');
    transcript.add(message(trace, 'client', 'ClientHello'));
    core.receive(hello ?? new Uint8Array(0));
    const handshake = Object(inside(inside(core, 'phase'), 'handshake'));
    if (retried) {
      // The trace's HelloRetryRequest has a cookie, ours has none.
      const ours = decodeHandshake('server_hello', sink.take().subarray(5));
      const theirs = decodeHandshake('server_hello', message(trace, 'server', 'ServerHello'));
      expect(ours).toEqual({
        ...theirs,
        extensions: theirs.extensions.filter(({ extensionType }) => extensionType !== 44),
      });
      transcript.replaceByMessageHash();
      transcript.add(message(trace, 'server', 'ServerHello'));
      const before = new Transcript(hash);
      before.add(message(trace, 'client', 'ClientHello'));
      before.replaceByMessageHash();
      before.add(message(trace, 'server', 'ServerHello'));
      Reflect.set(handshake, 'data', { ...Object(inside(handshake, 'data')), transcript: before });
      transcript.add(message(trace, 'client', 'ClientHello', 1));
      core.receive(second ?? new Uint8Array(0));
    }
    expect(sink.failures).toEqual([]);

    // ServerHello, change_cipher_spec and handshake secrets are the trace's.
    const until = title === 'Compatibility Mode' ? 2 : 1;
    const expected = join(records(trace, 'server').slice(retried ? 1 : 0, (retried ? 1 : 0) + until));
    expect(hex(sink.take().subarray(0, expected.length))).toBe(hex(expected));
    const data = Object(inside(handshake, 'data'));
    const keys: HandshakeKeys = data.keys;
    expect(hex(keys.client.expose())).toBe(
      hex(value(trace, 'server', 'derive secret "tls13 c hs', 'expanded')),
    );
    expect(hex(keys.server.expose())).toBe(
      hex(value(trace, 'server', 'derive secret "tls13 s hs', 'expanded')),
    );

    // The rest of the trace's flight goes into our state: sealed, it is the trace's record.
    const flight = [
      'EncryptedExtensions',
      'CertificateRequest',
      'Certificate',
      'CertificateVerify',
      'Finished',
    ];
    const messages = flight.flatMap((name) => values(trace, 'server', 'construct a', name));
    const write = Object(inside(inside(core, 'channel'), 'write'));
    write.install(new Tls13WriteProtection(aead, keys.server));
    transcript.add(helloMessage);
    for (const each of messages.slice(0, -1)) transcript.add(each);
    expect(hex(keys.server.finishedKey().mac(transcript.digest()))).toBe(
      hex(decodeHandshake('finished', messages.at(-1) ?? new Uint8Array(0)).verifyData),
    );
    transcript.add(messages.at(-1) ?? new Uint8Array(0));
    const sealed: Uint8Array[] = write.sealHandshake(join(messages));
    expect(hex(join(sealed))).toBe(
      hex(records(trace, 'server')[until + (retried ? 1 : 0)] ?? new Uint8Array(0)),
    );
    const traced: HandshakeKeys = { ...keys, transcript };
    const application = applicationKeys(traced);
    Reflect.set(handshake, 'data', { ...data, keys: traced, application });
    write.install(new Tls13WriteProtection(aead, application.server));

    // And the client's flight completes the handshake.
    const clientFlight = retried ? rest.slice(0, 1) : [second ?? new Uint8Array(0)];
    if (title === 'Compatibility Mode') clientFlight.push(...rest.slice(0, 1));
    core.receive(join(clientFlight));
    expect(sink.failures).toEqual([]);
    expect(sink.facts).toMatchObject({ role: 'server', retried });
    expect(peerChain(sink.facts)).toHaveLength(title === 'Client Authentication' ? 1 : 0);
    for (const ticket of values(trace, 'server', 'construct a', 'NewSessionTicket')) {
      const [record] = values(trace, 'server', 'send handshake', 'complete record').slice(-1);
      expect(hex(join(write.sealHandshake(ticket)))).toBe(hex(record ?? new Uint8Array(0)));
    }
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
    const { core } = replayClient(first, undefined, sink);
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
    const { suite, hash } = aes128();
    const raw = resumedHello(trace);
    const psk = tracedPsk(trace);
    const config = clientOptions({ config: { ciphers: [suite], middleboxCompMode: false } });
    const sink = new ResumingRecorder(accept);
    const core = Core.client(config, sink);
    sink.core = core;
    const offered = offerOf(raw, shareOf(trace, 'client', 'x25519'), 'x25519');
    const resumption = { psks: [psk], earlyData: 'offered' } as const;
    const psks = usablePsks(resumption, config.config, engine);
    const [first] = psks;
    const terms = earlyDataTerms(resumption, psks, config.config);
    if (first === undefined || terms === undefined) throw new Error('nothing to send early');
    const binders = offered.extensions.preSharedKey?.binders ?? [];
    const part = beforeBinders(raw, binders);
    expect(hex(part)).toBe(hex(message(trace, 'client', 'ClientHello')));
    expect(hex(binderOf(first, hash.digest(part)))).toBe(hex(binders[0] ?? new Uint8Array(0)));
    const offer: Tls13Offer = { ...offered, psks, early: earlyOffer(terms, first, raw, engine) };
    Reflect.set(core, 'phase', { ...Object(inside(core, 'phase')), offer });
    core.start();
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
    const { suite, aead, hash } = aes128();
    const share = shareOf(trace, 'server', 'x25519');
    const helloMessage = message(trace, 'server', 'ServerHello');
    const sink = new ResumingRecorder(accept);
    const core = Core.server(
      serverOptions({
        config: { ciphers: [suite], supportedGroups: ['x25519'] },
        identities: [],
        dependencies: {
          engine,
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
    const [serverHello, flight] = records(trace, 'server').map(hex);
    expect(hex(sink.take())).toMatch(new RegExp(`^${serverHello}`));

    // The trace's EncryptedExtensions say more than ours: its flight goes into our state, and all after it must fit.
    const handshake = Object(inside(inside(core, 'phase'), 'handshake'));
    const data = Object(inside(handshake, 'data'));
    const keys: HandshakeKeys = data.keys;
    const transcript = new Transcript(hash);
    const messages = ['EncryptedExtensions', 'Finished'].map((name) => message(trace, 'server', name));
    for (const each of [resumedHello(trace), helloMessage, ...messages]) transcript.add(each);
    const write = Object(inside(inside(core, 'channel'), 'write'));
    write.install(new Tls13WriteProtection(aead, keys.server));
    expect(hex(join(write.sealHandshake(join(messages))))).toBe(flight);
    const traced: HandshakeKeys = { ...keys, transcript };
    const application = applicationKeys(traced);
    Reflect.set(handshake, 'data', { ...data, keys: traced, application });
    write.install(new Tls13WriteProtection(aead, application.server));

    for (const record of rest.splice(0, 2)) core.receive(record);
    expect(sink.failures).toEqual([]);
    expect(sink.facts).toMatchObject({ sessionResumption: true, earlyData: 'accepted' });
    const nonce = Uint8Array.of(1);
    expect(hex(core.ticketPsk(nonce)?.expose() ?? new Uint8Array(0))).toBe(hex(resumptionPsk(trace, nonce)));
    close(trace, core, sink, 'server', rest);
  });
});
