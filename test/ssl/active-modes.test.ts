/** Scripted connections: what owners are told and callers answered, compared with recordings of OTP 25. */
import type { Self } from '@actor-tls/runtime';
import * as ssl from '@actor-tls/ssl';
import { createCa, type SimulatedTransport, type Simulation, simulateSsl } from '@actor-tls/ssl/testing';
import { describe, expect, it } from 'vitest';
import { describeWithData, report } from '../support/report.js';
import { readSharedJson } from '../support/shared.js';
import { atomName, listItems, renderTerm, type Term, tupleItems } from '../support/terms.js';

interface Step {
  readonly actor: string;
  readonly op: string;
  readonly args?: readonly Term[];
}
interface Outcome {
  readonly result: Term | string | { readonly raises: readonly string[] };
  readonly messages?: readonly (readonly [
    string,
    Term | { readonly async: string; readonly result: Term },
  ])[];
}
interface Case {
  readonly id: string;
  readonly version: 'tlsv1.3' | 'tlsv1.2';
  readonly side: 'client' | 'server';
  readonly options: readonly Term[];
  readonly steps: readonly Step[];
  readonly trace: readonly Outcome[];
}

/**
 * Where we differ from OTP 25 on purpose. Each entry must still differ, or it is stale; `ours` holds the steps that
 * do, by number, so that they cannot become something else unnoticed.
 */
interface Deviation {
  readonly why: string;
  readonly ours: Readonly<Record<number, string>>;
}
const deviations: Readonly<Record<string, Deviation>> = {
  'act-029-n-negative-lowers-tlsv1.3': {
    why: '† §3: a negative number lowers the counter and does not end it',
    ours: {
      0: '["ok"]',
      1: '[["ok",[["active",3]]]]',
      2: '["ok",["o1",["ssl","#socket","bin:6461746131"]]]',
      3: '["ok",["o1",["ssl","#socket","bin:6461746132"]]]',
      4: '["ok",["o1",["ssl","#socket","bin:6461746133"]],["o1",["ssl_passive","#socket"]]]',
    },
  },
  'act-032-n-zero-when-counting-tlsv1.3': {
    why: '† §3: adding nothing leaves the counter',
    ours: {
      0: '["ok"]',
      1: '[["ok",[["active",2]]]]',
      2: '["ok",["o1",["ssl","#socket","bin:78"]]]',
      3: '[["ok",[["active",1]]]]',
    },
  },
  'act-050-n-in-connect-zero-tlsv1.3': {
    why: '† §3: opened with 0 the socket is passive, and counts nothing below zero',
    ours: {
      0: '[["ok",[["active","false"]]]]',
      1: '["ok"]',
      2: '[["ok",[["active","false"]]]]',
    },
  },
  'act-201-n-in-connect-zero-tlsv1.2': {
    why: '† §3: opened with 0 the socket is passive, and counts nothing below zero',
    ours: {
      0: '[["ok",[["active","false"]]]]',
      1: '["ok"]',
      2: '[["ok",[["active","false"]]]]',
    },
  },
  'act-245-bad-record-true-tlsv1.2': {
    why: '† §3: a passive peer hears the alert when it asks',
    ours: {
      3: '[["error",["tls_alert",["bad_record_mac","#text"]]]]',
    },
  },
  'act-068-recv-negative-length-tlsv1.3': {
    why: '† §1.3: a wrong length raises in the caller and leaves the connection alone',
    ours: {
      2: '[["ok","bin:78"]]',
    },
  },
  'act-069-recv-bad-length-tlsv1.3': {
    why: '§1.1: a wrong argument type raises',
    ours: {
      1: '[["raises","TypeError"]]',
    },
  },
  'act-072-recv-pending-then-active-tlsv1.3': {
    why: '§15, no call may hang: a recv that an active mode overtakes hears einval',
    ours: {
      1: '["ok",["async","r1",["error","einval"]]]',
    },
  },
  'act-121-bad-record-true-tlsv1.3': {
    why: '† §3: a passive peer hears the alert when it asks',
    ours: {
      3: '[["error",["tls_alert",["bad_record_mac","#text"]]]]',
    },
  },
  'act-122-bad-record-once-spent-tlsv1.3': {
    why: '† §3: an alert of our own is kept for a passive owner',
    ours: {
      2: '["ok",["o1",["ssl_error","#socket",["tls_alert",["bad_record_mac","#text"]]]]]',
    },
  },
};

/** Both worlds in one form: text for atoms, strings and lists of bytes, `bin:` for binaries, arrays for tuples. */
type Plain = string | number | readonly Plain[];

function plainTerm(term: Term): Plain {
  if (typeof term === 'number') return term;
  if (Array.isArray(term)) return fold(term.map(plainTerm));
  if (typeof term !== 'object') return String(term);
  if ('atom' in term) return term.atom;
  if ('str' in term) return term.str;
  if ('bin' in term) return `bin:${term.bin}`;
  if ('tuple' in term) return fold(term.tuple.map(plainTerm));
  if ('improper' in term) return [...term.improper.map(plainTerm), plainTerm(term.tail)];
  if ('opaque' in term) return `#${term.opaque}`;
  return renderTerm(term);
}

/** Erlang has no strings, and neither tuples nor lists of numbers say which they are. */
function fold(items: readonly Plain[]): Plain {
  const bytes = items.filter((item) => typeof item === 'number');
  if (items.length === 0) return '[]';
  return bytes.length === items.length ? String.fromCodePoint(...bytes) : items;
}

function plain(value: unknown): Plain {
  if (typeof value === 'number' || typeof value === 'string') return value;
  if (value === undefined || typeof value === 'boolean') return String(value);
  if (value instanceof Uint8Array) return `bin:${Buffer.from(value).toString('hex')}`;
  if (value instanceof ssl.SslSocket) return '#socket';
  if (Array.isArray(value)) return fold(value.map(plain));
  const entries = Object.entries(value ?? {});
  const [tag, inner] = entries[0] ?? ['nothing', undefined];
  if (tag === 'tls_alert' && Array.isArray(inner)) return [tag, [plain(inner[0]), '#text']];
  const folded = Array.isArray(inner) ? plain(inner) : [plain(inner)];
  return typeof folded === 'object' ? [tag, ...folded] : [tag, folded];
}

/** A result in Erlang's terms; bare `ok` is `{ ok: true }`. */
function plainResult(result: unknown): Plain {
  if (typeof result !== 'object' || result === null) return plain(result);
  if ('ok' in result && result.ok === true) return 'ok';
  if ('ok' in result) return ['ok', isOptions(result.ok) ? optionList(result.ok) : plain(result.ok)];
  return plain(result);
}

function isOptions(value: unknown): value is Readonly<Record<string, unknown>> {
  const names = ['active', 'mode', 'packet', 'header', 'packetSize'];
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array) &&
    Object.keys(value).every((key) => names.includes(key))
  );
}

function optionList(options: Readonly<Record<string, unknown>>): Plain {
  return Object.entries(options).map(([key, value]) => [
    key === 'packetSize' ? 'packet_size' : key,
    plain(value),
  ]);
}

function plainMessage(message: ssl.SslMessage): Plain {
  switch (message.type) {
    case 'ssl':
      return ['ssl', '#socket', plain(message.data)];
    case 'ssl_error':
      return ['ssl_error', '#socket', plain(message.reason)];
    case 'ssl_closed':
    case 'ssl_passive':
    case 'session_ticket':
    case 'early_data':
      return [message.type, '#socket'];
  }
}

/** An Erlang option list as an object; a bare atom is a mode. */
function optionsOf(list: readonly Term[]): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const option of list) {
    const pair = tupleItems(option, 2);
    const key = atomName(pair?.[0] ?? option) ?? '';
    const value = pair?.[1];
    delete options[key];
    if (value === undefined) options['mode'] = key;
    else options[key === 'packet_size' ? 'packetSize' : key] = ourValue(value);
  }
  return options;
}

/** A term as our users write it: atoms are strings, lists of characters lists of numbers. */
function ourValue(term: Term): unknown {
  const name = atomName(term);
  if (name === 'true' || name === 'false') return name === 'true';
  if (name !== undefined) return name;
  if (typeof term === 'number') return term;
  if (typeof term === 'object' && 'bin' in term) return Buffer.from(term.bin, 'hex');
  return (listItems(term) ?? []).map(ourValue);
}

const ca = createCa({ key: 'ed25519' });
const issued = ca.issue({ key: 'ed25519' });

/** Plays one case in a simulated world and gives our trace. */
async function play(one: Case): Promise<readonly string[]> {
  const simulation = await simulateSsl();
  const { test } = simulation;
  const actors = new Map<string, Self>();
  const actor = (name: string): Self => {
    const known = actors.get(name) ?? test.node.shell();
    actors.set(name, known);
    return known;
  };
  const [mine, peers] = await openPair(simulation, actor('o1'), actor('peer'), one);
  const owners = new Map<string, ssl.SslSocket>([['peer', peers]]);
  const asyncs: (readonly [string, unknown])[] = [];
  const trace: string[] = [];
  for (const step of one.steps) {
    const socket = owners.get(step.actor) ?? mine;
    let answer: unknown = 'no answer';
    const done = perform(step, socket, actor, simulation, asyncs, peers).then(
      (value) => {
        answer = value;
      },
      (error: unknown) => {
        answer = { raises: error instanceof Error ? error.constructor.name : String(error) };
      },
    );
    await simulation.run(done);
    await test.advance(250);
    const messages: Plain[] = [...asyncs.splice(0)].map(([label, value]) => [
      'async',
      label,
      plainResult(value),
    ]);
    for (const [name, self] of actors)
      if (self.alive)
        for (const message of self.flush()) messages.push([name, plainMessage(message as ssl.SslMessage)]);
    trace.push(JSON.stringify([plainResult(answer), ...messages]));
  }
  await simulation.stop();
  return trace;
}

async function openPair(
  { run }: Simulation,
  owner: Self,
  peer: Self,
  { side, options, version }: Case,
): Promise<readonly [mine: ssl.SslSocket, peers: ssl.SslSocket]> {
  const own = optionsOf(options);
  const passive = { active: false, mode: 'binary' } as const;
  const versions = [version];
  const server = { cert: issued.chain, key: { PrivateKeyInfo: issued.key }, versions };
  const trust = { cacerts: [ca.cert], versions };
  const [serverSelf, clientSelf] = side === 'client' ? [peer, owner] : [owner, peer];
  const [serverOptions, clientOptions] = side === 'client' ? [passive, own] : [own, passive];
  const listener = ssl.unwrap(await run(ssl.listen(serverSelf, 443, { ...server, ...serverOptions })));
  const connecting = ssl.connect(clientSelf, 'localhost', 443, { ...trust, ...clientOptions });
  const accepted = ssl.unwrap(await run(ssl.transportAccept(serverSelf, listener)));
  const serving = ssl.unwrap(await run(ssl.handshake(serverSelf, accepted)));
  const client = ssl.unwrap(await run(connecting));
  return side === 'client' ? [client, serving] : [serving, client];
}

async function perform(
  { op, args = [], actor: name }: Step,
  socket: ssl.SslSocket,
  actor: (name: string) => Self,
  simulation: Simulation,
  asyncs: (readonly [string, unknown])[],
  peers: ssl.SslSocket,
): Promise<unknown> {
  const [first, second, third] = args.map(ourValue);
  switch (op) {
    case 'send':
      return ssl.send(socket, first as ssl.IoData);
    case 'recv':
      return ssl.recv(socket, first as number, second as number);
    case 'recv_async':
      void ssl
        .recv(socket, first as number, second as number)
        .then((result) => asyncs.push([String(third), result]));
      return 'started';
    case 'setopts':
      return ssl.setopts(socket, optionsOf(listItems(args[0] ?? []) ?? []));
    case 'getopts':
      return ssl.getopts(
        socket,
        (first as (keyof ssl.OptionValues | 'packet_size')[]).map((key) =>
          key === 'packet_size' ? 'packetSize' : key,
        ),
      );
    case 'close':
      return first === undefined ? ssl.close(socket) : ssl.close(socket, first as number);
    case 'shutdown':
      return ssl.shutdown(socket, first as 'read_write');
    case 'controlling_process':
      return ssl.controllingProcess(socket, actor(String(first)).pid);
    case 'controlling_process_raw':
      return ssl.controllingProcess(socket, first as never);
    case 'exit':
      try {
        actor(name).exit(first);
      } catch {
        // That is how a shell leaves.
      }
      return 'exited';
    case 'abort':
      transportOf(simulation, peers).end();
      return { ok: true };
    case 'inject':
      transportOf(simulation, peers).write([first as Uint8Array]);
      return { ok: true };
    default:
      throw new Error(`no op ${op}`);
  }
}

/** The peer's end of the network: the older the socket, the earlier it was opened. */
function transportOf({ network }: Simulation, _peers: ssl.SslSocket): SimulatedTransport {
  const [client, server] = [...network.open];
  if (client === undefined || server === undefined) throw new Error('the transport is gone');
  return server;
}

function isRaised(result: Outcome['result']): result is { readonly raises: readonly string[] } {
  return typeof result === 'object' && 'raises' in result;
}

/** The recorder's own words: `exited`, `started`. */
function isText(result: Outcome['result']): result is string {
  return typeof result === 'string';
}

function expected({ result, messages = [] }: Outcome): string {
  const plainOutcome: Plain = isRaised(result)
    ? ['raises', 'TypeError']
    : isText(result)
      ? result
      : plainTerm(result);
  const asyncs = messages.flatMap(([actor, message]) =>
    actor === 'async' && typeof message === 'object' && 'async' in message
      ? [['async', message.async, plainTerm(message.result)]]
      : [],
  );
  const rest = messages.flatMap(([actor, message]) =>
    typeof message === 'object' && 'async' in message ? [] : [[actor, plainTerm(message)]],
  );
  return JSON.stringify([plainOutcome, ...asyncs, ...rest]);
}

describeWithData('owners and active modes as in OTP 25', 'otp25/active_modes.json.gz', () => {
  const { cases } = readSharedJson('otp25/active_modes.json.gz') as { cases: readonly Case[] };
  const counts = { agree: 0, deviate: 0 };

  describe('in TLS 1.3 and 1.2', () => {
    for (const one of cases)
      it(one.id, async () => {
        const ours = await play(one);
        const theirs = one.trace.map(expected);
        const deviation = deviations[one.id];
        if (deviation === undefined) {
          expect(ours).toEqual(theirs);
          counts.agree += 1;
        } else {
          expect(ours, 'this deviation is stale').not.toEqual(theirs);
          const differing = ours.flatMap((line, step) => (line === theirs[step] ? [] : [[step, line]]));
          expect(Object.fromEntries(differing)).toEqual(deviation.ours);
          counts.deviate += 1;
        }
      });
    it('is counted', () => report('active_modes', counts));
  });
});
