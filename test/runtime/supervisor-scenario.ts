/**
 * Runs a recorded supervisor script (`process_semantics`, kind `supervisor`; the steps are described in
 * `testdata/otp25/README.md`) on this runtime and gives its trace. The parent is a process of the test's own
 * that traps exits; starts and deaths come to one recorder's mailbox, and so in their true order.
 */
import {
  type ChildSpec,
  countChildren,
  DownMessage,
  deleteChild,
  Exit,
  ExitMessage,
  getChildspec,
  type Node,
  type Pid,
  type Reason,
  type Ref,
  restartChild,
  type Self,
  type StartResult,
  startChild,
  startSupervisor,
  terminateChild,
  whichChildren,
} from '@actor-tls/runtime';
import { createTestNode, type TestNode } from '@actor-tls/runtime/testing';
import { atom, atomName, mapPairs, type Term, tuple, tupleItems } from '../support/terms.js';
import { reasonFrom, termFrom } from './scenario-terms.js';

/** A child as the scripts describe it. */
interface ScriptChild {
  readonly id: Term;
  readonly restart: Term;
  readonly shutdown: Term;
  readonly type: Term;
  /** Of some children only. */
  readonly significant?: boolean;
  readonly trap: boolean;
  readonly stubborn: boolean;
  readonly start: readonly Term[];
}

interface SupervisorStep {
  readonly op: string;
  readonly id?: string;
  readonly ids?: readonly string[];
  readonly reason?: Term;
  readonly child?: ScriptChild;
  readonly message?: Term;
  readonly ms?: number;
}

export interface SupervisorStepTrace {
  readonly result: Term | null;
  readonly events: readonly (readonly [string, string, Term])[];
  readonly supervisor: 'alive' | 'none' | { readonly exit: Term };
}

export interface SupervisorCase {
  readonly id: string;
  readonly kind: 'supervisor';
  readonly order_sensitive?: boolean;
  readonly flags: Term;
  readonly children: readonly ScriptChild[];
  readonly steps: readonly SupervisorStep[];
  readonly trace: readonly SupervisorStepTrace[];
}

const modules: Term = [atom('gen_process_semantics')];

/** The trace of a case; a seed draws the order in which runnable processes run. */
export async function runSupervisorCase(
  script: SupervisorCase,
  seed?: number,
): Promise<SupervisorStepTrace[]> {
  const testNode = createTestNode(seed === undefined ? {} : { seed });
  const world = new World(script, testNode);
  const trace: SupervisorStepTrace[] = [];
  for (const step of script.steps) trace.push(await world.perform(step));
  await testNode.stop();
  return trace;
}

class World {
  readonly script: SupervisorCase;
  readonly node: Node;
  readonly clock: TestNode['clock'];
  readonly parent: Self<unknown>;
  readonly recorder: Self<unknown>;
  /** The last process started under each id, dead or not. */
  readonly last = new Map<string, Pid<unknown>>();
  readonly labels = new Map<Pid, string>();
  readonly starts = new Map<string, number>();
  supervisor: Pid<unknown> | undefined;
  state: SupervisorStepTrace['supervisor'] = 'none';

  readonly settle: () => Promise<void>;

  constructor(script: SupervisorCase, testNode: TestNode) {
    const { node, clock } = testNode;
    this.settle = () => testNode.settle();
    this.script = script;
    this.node = node;
    this.clock = clock;
    this.parent = node.shell();
    this.parent.trapExit(true);
    this.recorder = node.shell();
  }

  async perform(step: SupervisorStep): Promise<SupervisorStepTrace> {
    if (step.op === 'sleep') await this.clock.advance(step.ms ?? 0);
    const pending = this.run(step);
    // Quiet, and every time limit of a shutdown over: only then is the step. The clock moves for limits that
    // still run and for nothing else, since restarts count by time.
    await this.settle();
    while (this.node.timers.count > 0 && (await this.clock.advanceToNextTimer()));
    const result = await pending;
    return { result, events: await this.events(), supervisor: this.state };
  }

  async run(step: SupervisorStep): Promise<Term | null> {
    const id = step.id ?? '';
    switch (step.op) {
      case 'start':
        return this.start();
      case 'child_exit':
        this.tell(id, { exit: reasonFrom(step.reason ?? []) });
        return null;
      case 'children_exit':
        for (const each of step.ids ?? []) this.tell(each, { exit: reasonFrom(step.reason ?? []) });
        return null;
      case 'child_signal':
        this.signal(this.last.get(id), reasonFrom(step.reason ?? []));
        return null;
      case 'child_kill':
        this.signal(this.last.get(id), 'kill');
        return null;
      case 'which':
        return this.asked(async (supervisor) => {
          const children = await whichChildren(this.parent, supervisor);
          return children.map((child) =>
            tuple(this.term(child.id), this.term(child.child), this.term(child.type), modules),
          );
        });
      case 'count':
        return this.asked(async (supervisor) =>
          Object.entries(await countChildren(this.parent, supervisor)).map(([key, count]) =>
            tuple(atom(key), count),
          ),
        );
      case 'terminate_child':
        return this.asked(async (supervisor) => this.term(await terminateChild(this.parent, supervisor, id)));
      case 'terminate_child_pid':
        return this.asked(async (supervisor) =>
          this.term(await terminateChild(this.parent, supervisor, this.last.get(id) ?? id)),
        );
      case 'restart_child':
        return this.asked(async (supervisor) => this.term(await restartChild(this.parent, supervisor, id)));
      case 'delete_child':
        return this.asked(async (supervisor) => this.term(await deleteChild(this.parent, supervisor, id)));
      case 'get_childspec':
        return this.asked(async (supervisor) =>
          this.specTerm(await getChildspec(this.parent, supervisor, id)),
        );
      case 'start_child': {
        const argument = step.child === undefined ? id : this.spec(step.child);
        return this.asked(async (supervisor) =>
          this.term(await startChild(this.parent, supervisor, argument)),
        );
      }
      case 'sup_signal':
        if (this.supervisor !== undefined)
          this.parent.exitSignal(this.supervisor, reasonFrom(step.reason ?? []));
        return null;
      case 'sup_signal_stranger':
        this.signal(this.supervisor, reasonFrom(step.reason ?? []));
        return null;
      case 'sup_send':
        this.send(step.message ?? []);
        return null;
      case 'stop':
        if (this.supervisor !== undefined) this.parent.exitSignal(this.supervisor, 'shutdown');
        return null;
      case 'sleep':
        return null;
      default:
        throw new Error(`unknown step ${step.op}`);
    }
  }

  async start(): Promise<Term> {
    const flags: Record<string, unknown> = {};
    for (const [key, value] of mapPairs(this.script.flags)) {
      const name = atomName(key) ?? '';
      flags[name === 'auto_shutdown' ? 'autoShutdown' : name] = atomName(value) ?? value;
    }
    const children = this.script.children.map((child) => this.spec(child));
    const started = await startSupervisor(this.parent, { ...flags, children });
    if (started === 'ignore') return atom('ignore');
    if ('error' in started) return this.term(started);
    this.supervisor = started.ok;
    this.state = 'alive';
    this.recorder.monitor(started.ok);
    return atom('ok');
  }

  spec(child: ScriptChild): ChildSpec<readonly unknown[]> {
    const text = (term: Term): never => (atomName(term) ?? term) as never;
    return {
      id: text(child.id),
      restart: text(child.restart),
      shutdown: text(child.shutdown),
      type: text(child.type),
      ...(child.significant === true && { significant: true }),
      start: (self, instance = atomName(child.id)) => this.startOne(self, child, String(instance)),
    };
  }

  /** The start function: notes that it was called and answers what the script says for this call. */
  startOne(self: Self<unknown>, child: ScriptChild, id: string): StartResult {
    const nth = (this.starts.get(id) ?? 0) + 1;
    this.starts.set(id, nth);
    self.send(this.recorder.pid, ['start', id, nth]);
    const answer = child.start[Math.min(nth, child.start.length) - 1] ?? atom('ok');
    if (atomName(answer) === 'ignore') return 'ignore';
    const [kind, reason] = tupleItems(answer, 2) ?? [];
    if (reason !== undefined) {
      if (atomName(kind) === 'error') return { error: reasonFrom(reason) };
      return self.exit(reasonFrom(reason));
    }
    const pid: Pid<unknown> = self.spawnLink((own: Self<unknown>) => childBody(own, child));
    this.last.set(id, pid);
    this.labels.set(pid, id);
    this.recorder.monitor(pid);
    return { ok: pid };
  }

  /** A call of the supervisor's; if it exits, that is the answer. */
  async asked(call: (supervisor: Pid<unknown>) => Promise<Term>): Promise<Term> {
    if (this.supervisor === undefined) return tuple(atom('exits'), atom('noproc'));
    try {
      return await call(this.supervisor);
    } catch (error) {
      if (!(error instanceof Exit)) throw error;
      return tuple(atom('exits'), this.term(error.reason));
    }
  }

  tell(id: string, message: unknown): void {
    const pid = this.last.get(id);
    if (pid !== undefined) this.node.send(pid, message);
  }

  signal(to: Pid<unknown> | undefined, reason: Reason): void {
    if (to !== undefined) this.node.exit(to, reason);
  }

  /** `{'EXIT', Pid, R}` is an exit message, real or not; anything else is what nobody expects. */
  send(message: Term): void {
    if (this.supervisor === undefined) return;
    const items = tupleItems(message, 3);
    const [tag, from, reason] = items ?? [];
    const isExit = reason !== undefined && atomName(tag) === 'EXIT';
    const who = isExit ? this.named(from) : this.parent.pid;
    if (who === undefined) return;
    const sent = isExit ? new ExitMessage(who, reasonFrom(reason)) : message;
    this.node.send(this.supervisor, sent);
  }

  /** The process that a message names: a child by its id, or the parent (`self_`). */
  named(who: Term | undefined): Pid<unknown> | undefined {
    const label = typeof who === 'object' && 'pid' in who ? who.pid : 'self_';
    return label === 'self_' ? this.parent.pid : this.last.get(label);
  }

  async events(): Promise<[string, string, Term][]> {
    const events: [string, string, Term][] = [];
    for (;;) {
      const message = await this.recorder.receive(() => true, { after: 0 });
      if (message === 'timeout') return events;
      if (!(message instanceof DownMessage)) {
        const [kind, id, nth] = message as [string, string, number];
        events.push([kind, id, nth]);
      } else if (message.pid === this.supervisor) {
        this.state = { exit: this.term(message.reason) };
      } else {
        events.push([
          'down',
          this.labels.get(message.pid ?? this.parent.pid) ?? '?',
          this.term(message.reason),
        ]);
      }
    }
  }

  specTerm(answer: { ok: ChildSpec<readonly unknown[]> } | { error: Reason }): Term {
    if ('error' in answer) return this.term(answer);
    const { id, restart, shutdown, significant, type } = answer.ok;
    const pairs = Object.entries({ id, restart, shutdown, significant });
    const map: [Term, Term][] = pairs.map(([key, value]) => [atom(key), this.term(value)]);
    map.push([atom('start'), { opaque: 'mfargs' }], [atom('type'), this.term(type)]);
    return tuple(atom('ok'), { map });
  }

  term(value: unknown): Term {
    return termFrom(value, {
      pid: (pid) => this.labels.get(pid) ?? 'nobody',
      ref: (ref: Ref) => ref.toString(),
    });
  }
}

/** A child: ends when told to, or, if it traps exits and is not stubborn, with the reason it is sent. */
async function childBody(self: Self<unknown>, child: ScriptChild): Promise<void> {
  self.trapExit(child.trap);
  for (;;) {
    const message = await self.receive();
    if (message instanceof ExitMessage) {
      if (!child.stubborn) self.exit(message.reason);
    } else if (typeof message === 'object' && message !== null && 'exit' in message) {
      self.exit(message.exit);
    }
  }
}

/** For cases whose order Erlang leaves open, events are compared without their order. */
export function comparable(script: SupervisorCase, trace: readonly SupervisorStepTrace[]): unknown {
  if (script.order_sensitive !== true) return trace;
  return trace.map((step) => ({ ...step, events: step.events.map((event) => JSON.stringify(event)).sort() }));
}
