/**
 * Runs a recorded script of processes (`process_semantics`, kind `processes`; the steps are described in
 * `testdata/otp25/README.md`) on this runtime, under a simulated clock, and gives its trace.
 */
import {
  DownMessage,
  ExitMessage,
  type Node,
  type Pid,
  type Ref,
  RuntimeError,
  type Self,
} from '@actor-tls/runtime';
import { createTestNode, type TestNode } from '@actor-tls/runtime/testing';
import { atom, atomName, renderTerm, type Term, tupleItems } from '../support/terms.js';
import { isTerm, type Labels, reasonFrom, ScriptError, termFrom } from './scenario-terms.js';

/** Milliseconds of a tick; any length will do, the clock is simulated. */
const tickMs = 40;

/** One step of a script; which fields it has depends on `op`. */
export interface Step {
  readonly op: string;
  readonly tick?: number;
  readonly ticks?: number;
  readonly process?: string;
  readonly to?: string;
  readonly name?: string;
  readonly link?: boolean;
  readonly monitor?: string;
  readonly ref?: string;
  readonly options?: readonly string[];
  readonly flag?: boolean;
  readonly reason?: Term;
  readonly message?: Term;
  readonly tag?: string;
  readonly timeout?: number | 'infinity';
}

export type Outcome =
  | { readonly value: Term }
  | { readonly error: Term }
  | { readonly got: Term }
  | { readonly timeout: true }
  | { readonly all: readonly Term[] }
  | { readonly links: readonly string[] };

export type ProcessTrace =
  | { readonly steps: readonly (readonly [number, Outcome])[]; readonly exit: Term }
  | {
      readonly steps: readonly (readonly [number, Outcome])[];
      readonly alive: true;
      readonly mailbox: readonly Term[];
    }
  | { readonly never_started: true };

export interface ProcessCase {
  readonly id: string;
  readonly kind: 'processes';
  readonly ticks: number;
  readonly order_sensitive?: boolean;
  readonly processes: Readonly<Record<string, readonly Step[]>>;
  readonly trace: Readonly<Record<string, ProcessTrace>>;
}

/**
 * The trace of a case. Each process is a real one; deaths are learnt by monitors of a process outside the script.
 * With a seed the order of processes within a tick is drawn: any order must give the same trace.
 */
export async function runProcessCase(
  script: ProcessCase,
  seed?: number,
): Promise<Record<string, ProcessTrace>> {
  const testNode = createTestNode(seed === undefined ? {} : { seed });
  const world = new World(script, testNode);
  world.spawnMain();
  await testNode.advance((script.ticks + 1) * tickMs);
  const trace = await world.trace();
  await testNode.stop();
  return trace;
}

class World implements Labels {
  readonly script: ProcessCase;
  readonly node: Node;
  readonly clock: TestNode['clock'];
  readonly watcher: Self<unknown>;
  readonly pids = new Map<string, Pid<unknown>>();
  readonly refs = new Map<string, Ref>();
  readonly steps = new Map<string, [number, Outcome][]>();

  constructor(script: ProcessCase, { node, clock }: TestNode) {
    this.script = script;
    this.node = node;
    this.clock = clock;
    this.watcher = node.shell();
  }

  spawnMain(): void {
    this.started('main', this.node.spawn(this.body('main')));
  }

  started(label: string, pid: Pid<unknown>): void {
    this.pids.set(label, pid);
    this.steps.set(label, []);
    this.watcher.monitor(pid);
  }

  pid(pid: Pid): string {
    for (const [label, known] of this.pids) if (known === pid) return label;
    throw new Error(`a pid of nobody in the script: ${pid}`);
  }

  ref(ref: Ref): string {
    for (const [label, known] of this.refs) if (known === ref) return label;
    throw new Error(`a reference of nobody in the script: ${ref}`);
  }

  body(label: string): (self: Self<unknown>) => Promise<void> {
    return async (self) => {
      const steps = this.script.processes[label] ?? [];
      for (const [index, step] of steps.entries()) {
        const outcome = await this.outcomeOf(self, step);
        if (outcome !== undefined) this.steps.get(label)?.push([index, outcome]);
      }
    };
  }

  async outcomeOf(self: Self<unknown>, step: Step): Promise<Outcome | undefined> {
    try {
      return await this.run(self, step);
    } catch (error) {
      if (error instanceof Unbound) return { error: atom('unbound') };
      if (error instanceof RuntimeError) return { error: atom(error.reason) };
      throw error;
    }
  }

  async run(self: Self<unknown>, step: Step): Promise<Outcome | undefined> {
    switch (step.op) {
      case 'at':
        await sleep(self, Number(step.tick) * tickMs - this.clock.now());
        return undefined;
      case 'spawn':
        this.spawn(self, String(step.process), step.link === true, step.monitor);
        return undefined;
      case 'link':
        self.link(this.to(step));
        return value('true');
      case 'unlink':
        self.unlink(this.to(step));
        return value('true');
      case 'monitor':
        this.refs.set(String(step.ref), self.monitor(this.target(step)));
        return undefined;
      case 'demonitor': {
        const options = step.options ?? [];
        const answer = self.demonitor(this.refOf(step), {
          flush: options.includes('flush'),
          info: options.includes('info'),
        });
        return value(String(answer));
      }
      case 'trap_exit':
        return value(String(self.trapExit(step.flag === true)));
      case 'exit':
        return self.exit(reasonFrom(step.reason ?? []));
      case 'error':
        throw new ScriptError(step.reason ?? []);
      case 'throw':
        throw new ScriptError({ tuple: [atom('nocatch'), step.reason ?? []] });
      case 'signal':
        self.exitSignal(this.to(step), reasonFrom(step.reason ?? []));
        return value('true');
      case 'send':
        self.send(this.target(step), step.message ?? []);
        return undefined;
      case 'receive':
        return this.receive(self, String(step.tag), step.timeout);
      case 'flush': {
        const all: Term[] = [];
        for (let next = await take(self); next !== 'timeout'; next = await take(self))
          all.push(termFrom(next, this));
        return { all };
      }
      case 'register':
        self.register(String(step.name), this.to(step));
        return value('true');
      case 'unregister':
        self.unregister(String(step.name));
        return value('true');
      case 'whereis': {
        const pid = self.whereis(String(step.name));
        return { value: pid === undefined ? atom('undefined') : termFrom(pid, this) };
      }
      case 'registered_name': {
        const info = this.node.processInfo(this.to(step));
        return value(info === undefined ? 'dead' : (info.name ?? 'undefined'));
      }
      case 'is_alive':
        return value(String(this.node.isAlive(this.to(step))));
      case 'links': {
        const links = this.node.processInfo(self.pid)?.links ?? [];
        return { links: links.map((pid) => this.pid(pid)).sort() };
      }
      case 'send_after': {
        const ref = self.sendAfter(Number(step.ticks) * tickMs, this.to(step), step.message ?? []);
        this.refs.set(String(step.ref), ref);
        return undefined;
      }
      case 'cancel_timer':
        return value(self.cancelTimer(this.refOf(step)) === false ? 'false' : 'was_running');
      default:
        throw new Error(`unknown step ${step.op}`);
    }
  }

  spawn(self: Self<unknown>, label: string, link: boolean, monitor: unknown): void {
    if (monitor === undefined) {
      this.started(label, self.spawn(this.body(label), { link }));
      return;
    }
    const { pid, ref } = self.spawnMonitor(this.body(label), { link });
    this.started(label, pid);
    this.refs.set(String(monitor), ref);
  }

  async receive(self: Self<unknown>, tag: string, timeout: unknown): Promise<Outcome> {
    const fits = (message: unknown): boolean => tag === 'any' || tagOf(message) === tag;
    const got =
      timeout === 'infinity'
        ? await self.receive(fits)
        : await self.receive(fits, { after: Number(timeout) * tickMs });
    return got === 'timeout' ? { timeout: true } : { got: termFrom(got, this) };
  }

  to(step: Step): Pid<unknown> {
    const pid = this.pids.get(String(step.to));
    if (pid === undefined) throw new Unbound();
    return pid;
  }

  target(step: Step): Pid<unknown> | string {
    return step.name === undefined ? this.to(step) : String(step.name);
  }

  refOf(step: Step): Ref {
    const ref = this.refs.get(String(step.ref));
    if (ref === undefined) throw new Unbound();
    return ref;
  }

  async trace(): Promise<Record<string, ProcessTrace>> {
    const exits = new Map<string, Term>();
    for (let down = await take(this.watcher); down !== 'timeout'; down = await take(this.watcher))
      if (down instanceof DownMessage && down.pid !== undefined)
        exits.set(this.pid(down.pid), termFrom(down.reason, this));
    const trace: Record<string, ProcessTrace> = {};
    for (const label of Object.keys(this.script.processes)) {
      const pid = this.pids.get(label);
      const steps = this.steps.get(label) ?? [];
      const exit = exits.get(label);
      if (pid === undefined) trace[label] = { never_started: true };
      else if (exit !== undefined) trace[label] = { steps, exit };
      else {
        const waiting = this.node.mailboxOf(pid);
        trace[label] = { steps, alive: true, mailbox: waiting.map((message) => termFrom(message, this)) };
      }
    }
    return trace;
  }
}

/** A step names a process or a reference that there is not (yet). */
class Unbound extends Error {}

function value(name: string): Outcome {
  return { value: atom(name) };
}

async function sleep(self: Self<unknown>, ms: number): Promise<void> {
  if (ms > 0) await self.receive(() => false, { after: ms });
}

async function take(self: Self<unknown>): Promise<unknown> {
  return self.receive(() => true, { after: 0 });
}

/** A message's tag: the atom it is, or the first of the tuple. */
function tagOf(message: unknown): string | undefined {
  if (message instanceof ExitMessage || message instanceof DownMessage) return message.type;
  if (!isTerm(message)) return undefined;
  return atomName(message) ?? atomName(tupleItems(message)?.[0]);
}

/** A trace as it is compared: for cases whose outcome Erlang leaves open, order is forgotten (see the README). */
export function comparable(script: ProcessCase, trace: Readonly<Record<string, ProcessTrace>>): unknown {
  if (script.order_sensitive !== true) return trace;
  return Object.fromEntries(
    Object.entries(trace).map(([label, process]) => {
      if ('never_started' in process) return [label, process];
      const last = process.steps.at(-1);
      const diedOfSignal =
        'exit' in process && last !== undefined && script.processes[label]?.[last[0]]?.op === 'signal';
      const steps = (diedOfSignal ? process.steps.slice(0, -1) : process.steps).map(
        ([index, outcome]) => [index, 'all' in outcome ? { all: sorted(outcome.all) } : outcome] as const,
      );
      return [
        label,
        'alive' in process ? { ...process, steps, mailbox: sorted(process.mailbox) } : { ...process, steps },
      ];
    }),
  );
}

function sorted(terms: readonly Term[]): string[] {
  return terms.map(renderTerm).sort();
}
