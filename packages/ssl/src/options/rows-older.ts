/** Rows of what only old versions have. */
import { asItIs, type CoreOption, flag, oneOf } from './row.js';

/** How a send under TLS 1.0 and a block cipher begins, so that nobody can choose what stands behind a known IV (BEAST). */
export type BeastMitigation = 'one_n_minus_one' | 'zero_n' | 'disabled';

const manual = 'ssl:common_option()';

export class OlderRows {
  /** `padding_check` (TLS 1.0): false takes a padding by its length alone, as some old peers write it. */
  readonly paddingCheck: CoreOption<'both', boolean> = {
    otp: 'padding_check',
    side: 'both',
    needsVersions: ['tlsv1'],
    default: true,
    core: true,
    tell: asItIs,
    note: { values: 'boolean; false lets POODLE in', default: 'true', source: manual },
    parse: flag('paddingCheck'),
  };

  /** `beast_mitigation` (TLS 1.0): how a send under a block cipher begins. */
  readonly beastMitigation: CoreOption<'both', BeastMitigation> = {
    otp: 'beast_mitigation',
    side: 'both',
    needsVersions: ['tlsv1'],
    default: 'one_n_minus_one',
    core: true,
    tell: asItIs,
    note: {
      values: 'one_n_minus_one: a record of 1 byte goes first; zero_n: an empty one; disabled',
      default: 'one_n_minus_one',
      source: manual,
    },
    parse: oneOf('beastMitigation', 'one_n_minus_one', 'zero_n', 'disabled'),
  };
}
