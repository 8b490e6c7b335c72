/** The machines of the versions before TLS 1.3: one for each set of messages, and alike in all else. */
import type { MessageTable } from '../../values/wire/message-table.js';
import {
  dtls10Messages,
  dtls12Messages,
  type Tls12Bodies,
  tls10Messages,
  tls12Messages,
} from '../../values/wire/tls12-messages.js';
import { Machine, type MachineParts } from '../machine.js';
import type { OlderVersion } from './older-version.js';

/** What a machine is made of, whatever its messages. */
type Parts<Data extends { readonly state: string }, Context> = Omit<
  MachineParts<Tls12Bodies, Data, Context>,
  'name' | 'messages'
>;

const tables = [
  ['tls12', tls12Messages],
  ['tls10', tls10Messages],
  ['dtls12', dtls12Messages],
  ['dtls10', dtls10Messages],
] as const;

export class OlderMachines<Data extends { readonly state: string }, Context> {
  private readonly made: ReadonlyMap<MessageTable<Tls12Bodies>, Machine<Tls12Bodies, Data, Context>>;

  constructor(role: 'Client' | 'Server', parts: Parts<Data, Context>) {
    this.made = new Map(
      tables.map(([family, messages]) => [
        messages,
        new Machine({ ...parts, name: `${family}${role}`, messages }),
      ]),
    );
  }

  /** The one that speaks a version. */
  of({ messages }: Pick<OlderVersion, 'messages'>): Machine<Tls12Bodies, Data, Context> {
    const machine = this.made.get(messages);
    if (machine === undefined) throw new TypeError('a version whose messages no machine has');
    return machine;
  }
}
