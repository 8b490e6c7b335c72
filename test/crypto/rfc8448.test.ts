/**
 * The five traces of RFC 8448, walked step by step: every derivation by the engine alone and by the key schedule's
 * stages, every record sealed by one half and opened by the other.
 */
import { expect, it } from 'vitest';
import { ReadHalf } from '../../packages/ssl/src/protocol/record/read-half.js';
import { HandshakeReassembler } from '../../packages/ssl/src/protocol/record/reassembly.js';
import {
  Tls13ReadProtection,
  Tls13WriteProtection,
} from '../../packages/ssl/src/protocol/record/tls13-protection.js';
import { WriteHalf } from '../../packages/ssl/src/protocol/record/write-half.js';
import {
  EarlySecret,
  type HandshakeSecret,
  type MasterSecret,
  type TrafficSecret,
} from '../../packages/ssl/src/protocol/tls13/key-schedule.js';
import { Transcript } from '../../packages/ssl/src/protocol/transcript.js';
import type { CryptoEngine, KeyShare } from '../../packages/ssl/src/values/crypto/engine.js';
import { nobleEngine } from '../../packages/ssl/src/values/crypto/noble/engine.js';
import { nodeEngine } from '../../packages/ssl/src/values/crypto/node/engine.js';
import { Secret } from '../../packages/ssl/src/values/secret.js';
import { describeWithData, report } from '../support/report.js';
import { readSharedJson } from '../support/shared.js';

type Who = 'client' | 'server';
interface Step {
  readonly who: Who;
  readonly does: string;
  readonly fields: readonly { readonly name: string; readonly hex: string }[];
}
interface Trace {
  readonly section: string;
  readonly title: string;
  readonly steps: readonly Step[];
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const HELLO_RETRY_REQUEST = 'cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c';
const other = (who: Who): Who => (who === 'client' ? 'server' : 'client');

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('a step came before what it needs');
  return value;
}

function field(step: Step, name: string): Uint8Array {
  return bytes(present(step.fields.find((candidate) => candidate.name === name)).hex);
}

/** Checks one trace; answers how many values were compared. */
class Walk {
  compared = 0;
  private readonly hash;
  private readonly aead;
  private readonly engine: CryptoEngine;
  private readonly shares: Partial<Record<Who, KeyShare>> = {};
  private readonly write = { client: new WriteHalf(1e12, 0x0301), server: new WriteHalf(1e12) };
  private readonly read = { client: new ReadHalf(), server: new ReadHalf() };
  private readonly secrets = new Map<string, TrafficSecret>();
  private early: EarlySecret;
  private handshake: HandshakeSecret | undefined;
  private master: MasterSecret | undefined;
  private transcript: Transcript;

  constructor(engine: CryptoEngine) {
    this.engine = engine;
    this.hash = present(engine.hash('sha256'));
    this.aead = present(engine.aead('aes_128_gcm'));
    this.early = EarlySecret.withoutPsk(this.hash);
    this.transcript = new Transcript(this.hash);
  }

  step(step: Step): void {
    const { does, who } = step;
    const label = /"(?:tls13 )?([^"]+)"/.exec(does)?.[1] ?? '';
    if (does.includes('create an ephemeral')) this.createKey(step);
    else if (does.startsWith('construct')) this.construct(step);
    else if (/^send .* record/.test(does)) this.record(step);
    else if (does.startsWith('calculate PSK binder') && step.fields.length > 0) this.binder(step);
    else if (step.fields.length > 0) this.derivation(step, label);
    const keys = /^derive write traffic keys for (handshake|application|early application) data/.exec(
      does,
    )?.[1];
    if (keys !== undefined) this.install(who, keys);
  }

  private same(actual: Uint8Array, expected: Uint8Array, step: Step): void {
    expect(hex(actual), `${step.who}: ${step.does}`).toBe(hex(expected));
    this.compared++;
  }

  private createKey(step: Step): void {
    const group = present(this.engine.group(step.does.includes('P-256') ? 'secp256r1' : 'x25519'));
    const share = group.fromPrivateKey(field(step, 'private key'));
    this.same(share.publicKey, field(step, 'public key'), step);
    this.shares[step.who] = share;
  }

  private construct(step: Step): void {
    const message = bytes(present(step.fields[0]).hex);
    const name = present(step.fields[0]).name;
    // The ClientHello enters with its record: the traces construct it without its binders.
    if (name === 'ClientHello' || name === 'NewSessionTicket') return;
    if (name === 'ServerHello' && hex(message.subarray(6, 38)) === HELLO_RETRY_REQUEST) {
      this.transcript.replaceByMessageHash();
    }
    this.transcript.add(message);
    if (name === 'ServerHello' && hex(message.subarray(6, 38)) !== HELLO_RETRY_REQUEST) {
      const ours = present(this.shares.server);
      const shared = present(ours.sharedSecret(present(this.shares.client).publicKey));
      this.handshake = this.early.handshake(new Secret(shared));
      this.master = this.handshake.master();
      const hello = this.transcript.digest();
      this.secrets.set('c hs traffic', this.handshake.clientTraffic(hello));
      this.secrets.set('s hs traffic', this.handshake.serverTraffic(hello));
    }
  }

  private binder(step: Step): void {
    const binderHash = this.transcript.digestWith(field(step, 'ClientHello prefix'));
    this.same(binderHash, field(step, 'binder hash'), step);
    this.same(this.early.binderKey('resumption').mac(binderHash), field(step, 'finished'), step);
  }

  private derivation(step: Step, label: string): void {
    const { does, who } = step;
    if (does.startsWith('extract secret')) {
      const salt = field(step, 'salt');
      this.same(this.hash.hkdfExtract(salt, field(step, 'IKM')), field(step, 'secret'), step);
      if (label === 'early' && who === 'client') {
        this.early = EarlySecret.fromPsk(this.hash, new Secret(field(step, 'IKM')));
      }
      return;
    }
    const secret = field(step, 'PRK');
    if (does.includes('traffic keys')) {
      const epoch = does.includes('early') ? 'e' : does.includes('handshake') ? 'hs' : 'ap';
      const side = does.includes('write') ? who : other(who);
      const keys = present(this.secrets.get(`${side[0]} ${epoch} traffic`)).keys(this.aead);
      this.same(keys.key, field(step, 'key expanded'), step);
      this.same(keys.iv, field(step, 'iv expanded'), step);
      return;
    }
    const expected = field(step, 'expanded');
    this.same(this.hash.hkdfExpand(secret, field(step, 'info'), expected.length), expected, step);
    this.same(
      this.hash.labels(secret).expandLabel(label, field(step, 'hash'), expected.length),
      expected,
      step,
    );
    const transcript = this.transcript.digest();
    switch (label) {
      case 'c e traffic':
        this.secrets.set(label, this.early.clientEarlyTraffic(transcript));
        break;
      case 'e exp master':
        this.same(this.early.earlyExporter(transcript).master().expose(), expected, step);
        break;
      case 'c ap traffic':
        this.secrets.set(label, present(this.master).clientTraffic(transcript));
        break;
      case 's ap traffic':
        this.secrets.set(label, present(this.master).serverTraffic(transcript));
        break;
      case 'exp master':
        this.same(present(this.master).exporter(transcript).master().expose(), expected, step);
        break;
      case 'resumption':
        this.same(
          present(this.master)
            .resumption(() => transcript)
            .psk(field(step, 'hash'))
            .expose(),
          expected,
          step,
        );
        break;
      case 'finished': {
        const finished = present(this.secrets.get(`${who[0]} hs traffic`))
          .finishedKey()
          .mac(transcript);
        this.same(finished, field(step, 'finished'), step);
        break;
      }
      case 'c hs traffic':
      case 's hs traffic':
      case 'derived':
      case 'res master':
        break;
      default:
        throw new Error(`no check for ${label}`);
    }
    const known = this.secrets.get(label);
    if (known !== undefined) this.same(known.expose(), expected, step);
  }

  private install(who: Who, data: string): void {
    const epoch = data === 'handshake' ? 'hs' : data === 'application' ? 'ap' : 'e';
    const secret = present(this.secrets.get(`${who[0]} ${epoch} traffic`));
    this.write[who].install(new Tls13WriteProtection(this.aead, secret));
    const aligned = new HandshakeReassembler(0).aligned();
    this.read[other(who)].install(new Tls13ReadProtection(this.aead, secret), aligned);
  }

  private record(step: Step): void {
    const { who, does } = step;
    const payload = field(step, 'payload');
    const write = this.write[who];
    if (does.includes('handshake') && payload[0] === 1) this.transcript.add(payload);
    const type = present(/send (\w+) record/.exec(does)?.[1]);
    let pieces: Uint8Array[];
    if (type === 'handshake') pieces = write.sealHandshake(payload);
    else if (type === 'application_data') pieces = write.sealApplicationData(payload);
    else if (type === 'alert') pieces = write.sealAlert(payload[0] === 1 ? 1 : 2, payload[1] ?? 0);
    else pieces = write.changeCipherSpec();
    const wire = field(step, 'complete record');
    this.same(Buffer.concat(pieces), wire, step);
    write.setRecordVersion(0x0303);
    const read = this.read[other(who)];
    read.feed(wire);
    const record = present(read.next());
    expect(record.type).toBe(type);
    this.same(record.data, payload, step);
    expect(read.next()).toBeUndefined();
  }
}

describeWithData('RFC 8448', 'rfc8448.json.gz', () => {
  const { traces } = readSharedJson('rfc8448.json.gz') as { traces: readonly Trace[] };
  for (const engine of [nodeEngine, nobleEngine]) {
    for (const trace of traces) {
      it(`section ${trace.section}, ${trace.title}, comes out of ${engine.name} byte for byte`, () => {
        const walk = new Walk(engine);
        for (const step of trace.steps) walk.step(step);
        expect(walk.compared).toBeGreaterThan(50);
        report('RFC 8448', { 'values compared': walk.compared });
      });
    }
  }

  it('the ticket of section 3 gives the PSK of section 4', () => {
    const [simple, resumed] = traces;
    const made = present(simple?.steps.find((step) => step.does.startsWith('generate resumption secret')));
    const used = present(resumed?.steps.find((step) => step.does.startsWith('extract secret "early"')));
    expect(hex(field(used, 'IKM'))).toBe(hex(field(made, 'expanded')));
  });
});
