/**
 * Handshake machines as rows: an arrow says which message (or none: `always`) leads from which state to which, under
 * which guard, and who does the work. A chart (xstate) and a table are made from the same rows. The chart is what
 * one draws, walks and inspects; the table runs, because an xstate actor per handshake costs a quarter of the rate.
 * The table is not an interpreter of xstate: first arrow whose guard holds, then `always` until none holds.
 */

/** Data of a state: names it, and holds exactly what exists then. */
export interface StateData {
  readonly state: string;
}
/** A message, or an answer from outside. */
export interface EventData {
  readonly type: string;
}

/** A label on an arrow: pure, total, without crypto. */
export interface Guard<From, Event> {
  readonly name: string;
  holds(from: From, event: Event): boolean;
}

/** An arrow with its types forgotten: what chart and table are made from. */
export interface Arrow<Data extends StateData, Event extends EventData, Context> {
  readonly from: Data['state'];
  /** `undefined`: `always`. */
  readonly on: Event['type'] | undefined;
  readonly guard: string | undefined;
  readonly to: Data['state'];
  holds(data: Data, event: Event): boolean;
  /** The work. Throws `AlertError`. */
  run(data: Data, event: Event, context: Context): Data;
}

type In<Data extends StateData, State> = Extract<Data, { readonly state: State }>;
type On<Event extends EventData, Type> = Extract<Event, { readonly type: Type }>;

/** Makers of arrows for one machine. */
export interface ArrowMaker<Data extends StateData, Event extends EventData, Context> {
  /** On this message. The handler's result must be the target's data. */
  arrow<From extends Data['state'], Type extends Event['type'], To extends Data['state']>(
    from: From,
    on: Type,
    to: To,
    handler: (from: In<Data, From>, event: On<Event, Type>, context: Context) => NoInfer<In<Data, To>>,
    guard?: Guard<In<Data, NoInfer<From>>, On<Event, NoInfer<Type>>>,
  ): Arrow<Data, Event, Context>;
  /** Without a message, right after the state was reached. */
  always<From extends Data['state'], To extends Data['state']>(
    from: From,
    to: To,
    handler: (from: In<Data, From>, context: Context) => NoInfer<In<Data, To>>,
    guard?: Guard<In<Data, NoInfer<From>>, undefined>,
  ): Arrow<Data, Event, Context>;
}

export function arrowMaker<Data extends StateData, Event extends EventData, Context>(): ArrowMaker<
  Data,
  Event,
  Context
> {
  return {
    arrow: (from, on, to, handler, guard) => ({
      from,
      on,
      to,
      guard: guard?.name,
      holds: (data, event) =>
        guard === undefined || (isIn(data, from) && isOn(event, on) && guard.holds(data, event)),
      run(data, event, context) {
        if (isIn(data, from) && isOn(event, on)) return handler(data, event, context);
        throw new TypeError(`${on} is not for ${data.state}`);
      },
    }),
    always: (from, to, handler, guard) => ({
      from,
      on: undefined,
      to,
      guard: guard?.name,
      holds: (data) => guard === undefined || (isIn(data, from) && guard.holds(data, undefined)),
      run(data, _event, context) {
        if (isIn(data, from)) return handler(data, context);
        throw new TypeError(`not in ${data.state}`);
      },
    }),
  };
}

function isIn<Data extends StateData, State>(data: Data, state: State): data is In<Data, State> & Data {
  return data.state === state;
}

function isOn<Event extends EventData, Type>(event: Event, type: Type): event is On<Event, Type> & Event {
  return event.type === type;
}

/** What runs. */
export interface Table<Data extends StateData, Event extends EventData, Context> {
  /** Whether any arrow leads out of the state on this message, whatever the guards say. */
  accepts(state: Data['state'], type: string): boolean;
  /** The state after the event, `always` included; `undefined` when no arrow fits: an illegal message. */
  step(data: Data, event: Event, context: Context): Data | undefined;
}

/** Throws `TypeError` when an arrow leads to a state that is neither final nor left by any arrow. */
export function table<Data extends StateData, Event extends EventData, Context>(
  arrows: readonly Arrow<Data, Event, Context>[],
  final: Data['state'],
): Table<Data, Event, Context> {
  type Row = Arrow<Data, Event, Context>;
  const byMessage = new Map<string, Map<string, Row[]>>();
  const passing = new Map<string, Row[]>();
  for (const arrow of arrows) {
    if (arrow.to !== final && !arrows.some((other) => other.from === arrow.to)) {
      throw new TypeError(`no way out of ${arrow.to}`);
    }
    if (arrow.on === undefined) {
      passing.set(arrow.from, [...(passing.get(arrow.from) ?? []), arrow]);
      continue;
    }
    const messages = byMessage.get(arrow.from) ?? new Map<string, Row[]>();
    messages.set(arrow.on, [...(messages.get(arrow.on) ?? []), arrow]);
    byMessage.set(arrow.from, messages);
  }
  return {
    accepts: (state, type) => byMessage.get(state)?.has(type) ?? false,
    step(data, event, context) {
      let row = byMessage
        .get(data.state)
        ?.get(event.type)
        ?.find((arrow) => arrow.holds(data, event));
      if (row === undefined) return undefined;
      let next = data;
      while (row !== undefined) {
        next = row.run(next, event, context);
        const reached = next;
        row = passing.get(reached.state)?.find((arrow) => arrow.holds(reached, event));
      }
      return next;
    },
  };
}

/** An arrow as tools see it, whatever its machine. */
export interface ChartArrow {
  readonly from: string;
  readonly on: string | undefined;
  readonly guard: string | undefined;
  readonly to: string;
  holds(data: StateData, event: EventData): boolean;
  run(data: StateData, event: EventData, context: unknown): StateData;
}
