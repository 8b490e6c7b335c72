/**
 * A handshake machine as a genuine xstate machine, made of the rows that the table is made of: what one draws, walks and
 * inspects. A file of its own, so that a bundle that only shakes hands carries no xstate.
 */
import { type AnyStateMachine, assign, setup } from 'xstate';
import type { ChartArrow, EventData, StateData } from './arrows.js';
import type { Machine } from './machine.js';

/** Context of a chart, and its input: the state's data, and what handlers work with. */
interface ChartContext {
  readonly data: StateData;
  readonly context: unknown;
}

/** Types for `setup`, which reads them off a value. */
const chartTypes: { context?: ChartContext; events?: EventData; input?: ChartContext } = {};

/**
 * The rows as a genuine xstate machine, for drawing, walking and inspecting.
 * `awaiting` states are tagged; the final state is final. Costs 330 µs: make it once.
 */
export function chart(
  id: string,
  arrows: readonly ChartArrow[],
  initial: string,
  final: string,
  awaiting: readonly string[],
): AnyStateMachine {
  interface Transition {
    readonly target: string;
    readonly guard: { readonly type: 'label'; readonly params: { readonly arrow: number } };
    readonly actions: { readonly type: 'work'; readonly params: { readonly arrow: number } };
    readonly description: string;
  }
  const states: Record<string, { on: Record<string, Transition[]>; always: Transition[]; tags: string[] }> =
    {};
  arrows.forEach((arrow, index) => {
    const tags = awaiting.includes(arrow.from) ? ['awaiting'] : [];
    const state = states[arrow.from] ?? { on: {}, always: [], tags };
    states[arrow.from] = state;
    const transition: Transition = {
      target: arrow.to,
      guard: { type: 'label', params: { arrow: index } },
      actions: { type: 'work', params: { arrow: index } },
      description: arrow.guard ?? '',
    };
    if (arrow.on === undefined) state.always.push(transition);
    else state.on[arrow.on] = [...(state.on[arrow.on] ?? []), transition];
  });
  return setup({
    types: chartTypes,
    guards: {
      label: ({ context, event }, { arrow }: { readonly arrow: number }) =>
        arrows[arrow]?.holds(context.data, event) ?? false,
    },
    actions: {
      work: assign(({ context, event }, { arrow }: { readonly arrow: number }) => ({
        data: arrows[arrow]?.run(context.data, event, context.context) ?? context.data,
      })),
    },
  }).createMachine({
    id,
    initial,
    context: ({ input }) => input,
    states: { ...states, [final]: { type: 'final' } },
  });
}

const drawn = new WeakMap<object, AnyStateMachine>();

/** Made when it is first asked for. */
export function chartOf<Bodies, Data extends { readonly state: string }, Context>(
  machine: Machine<Bodies, Data, Context>,
): AnyStateMachine {
  const known = drawn.get(machine);
  if (known !== undefined) return known;
  const { name, arrows, initial } = machine.parts;
  const made = chart(name, arrows, initial, machine.final, machine.asking);
  drawn.set(machine, made);
  return made;
}
