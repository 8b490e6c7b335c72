/** `ssl:export_key_materials/4,5` of OTP 27: key material for what runs above a connection (RFC 8446 §7.5, RFC 5705). */
import type { Facts } from '../../protocol/facts.js';
import type { KeyExporter } from '../../protocol/key-exporter.js';
import type { Result } from '../../values/terms.js';

/** Arguments as the user wrote them: not looked at before they are used. */
export interface KeyMaterialRequest {
  readonly labels: unknown;
  readonly contexts: unknown;
  readonly wantedLengths: unknown;
  readonly consumeSecret: unknown;
  /** `exportEarlyKeyMaterials`: from what both sides knew before the server had answered. */
  readonly early: boolean;
}

/** A call keeps the connection busy while it lasts; this much takes some milliseconds. */
const maxMaterials = 64;
const maxLength = 0xffff;
const badInput = { error: 'bad_input' } as const;
/** RFC 5705 §4: labels are ASCII. */
const ascii = /^[\0-\x7f]*$/;

interface Wish {
  readonly label: string;
  readonly context: Uint8Array | undefined;
  readonly length: number;
}

export function keyMaterialAnswer(
  { exporter, earlyExporter }: Facts,
  request: KeyMaterialRequest,
): Result<readonly Uint8Array[]> {
  const source = request.early ? earlyExporter : exporter;
  if (source === undefined) return { error: 'undefined' };
  if (typeof request.consumeSecret !== 'boolean') return badInput;
  if (source.consumed) return { error: 'exporter_master_secret_already_consumed' };
  const wishes = wishesOf(request, source);
  if (wishes === undefined) return badInput;
  const materials = wishes.map(({ label, context, length }) => source.export(label, context, length));
  if (request.consumeSecret) source.consume();
  return { ok: materials };
}

/** As many labels as contexts and lengths; `undefined` when something is not as it has to be. */
function wishesOf(
  { labels, contexts, wantedLengths }: KeyMaterialRequest,
  source: KeyExporter,
): readonly Wish[] | undefined {
  if (!Array.isArray(labels) || !Array.isArray(contexts) || !Array.isArray(wantedLengths)) return undefined;
  const count = labels.length;
  if (count === 0 || count > maxMaterials || contexts.length !== count || wantedLengths.length !== count)
    return undefined;
  const wishes = labels.flatMap(
    (label: unknown, at) => wishOf(label, contexts[at], wantedLengths[at], source) ?? [],
  );
  return wishes.length === count ? wishes : undefined;
}

function wishOf(label: unknown, context: unknown, length: unknown, source: KeyExporter): Wish | undefined {
  const text = label instanceof Uint8Array ? Buffer.from(label).toString('latin1') : label;
  if (typeof text !== 'string' || !ascii.test(text) || !isLength(length)) return undefined;
  if (!source.allows(text, length)) return undefined;
  if (context === 'no_context') return { label: text, context: undefined, length };
  // RFC 5705 §4: its length has two bytes.
  return context instanceof Uint8Array && context.length <= 0xffff
    ? { label: text, context, length }
    : undefined;
}

function isLength(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= maxLength;
}
