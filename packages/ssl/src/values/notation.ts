/**
 * Terms as text, for error messages and logs: in the notation in which users write options, `{ verify: 'x' }`.
 * Bytes are told by their number only, and what may hold a secret is not shown.
 */

const hidden = new Set(['key', 'password', 'secret', 'masterSecret']);
const mostItems = 100;
const longestText = 200;
const deepest = 12;

/** One line, whatever the value is; never throws. */
export function notation(value: unknown): string {
  return render(value, 0);
}

function render(value: unknown, depth: number): string {
  switch (typeof value) {
    case 'string':
      return quoted(value);
    case 'bigint':
      return `${value}n`;
    case 'function':
      return `function/${value.length}`;
    case 'symbol':
      return value.toString();
    case 'object':
      break;
    default:
      return String(value);
  }
  if (value === null) return 'null';
  if (depth >= deepest) return '…';
  if (ArrayBuffer.isView(value)) return `<${value.byteLength} bytes>`;
  if (value instanceof Error) return short(`${value.name}: ${value.message}`);
  if (Array.isArray(value)) return `[${list(value, (item) => render(item, depth + 1))}]`;
  const proto: unknown = Object.getPrototypeOf(value);
  if (proto !== null && proto !== Object.prototype) return ownText(value);
  const fields = list(Object.entries(value), ([key, item]) =>
    hidden.has(key) ? `${key}: [hidden]` : `${name(key)}: ${render(item, depth + 1)}`,
  );
  return fields === '' ? '{}' : `{ ${fields} }`;
}

/** A pid's or a secret's own text; of classes that have none their name. */
function ownText(value: object): string {
  try {
    const text = String(value);
    return text.startsWith('[object ') ? value.constructor.name : text;
  } catch {
    return '[object]';
  }
}

/** What is not shown is not rendered either. */
function list<T>(items: readonly T[], show: (item: T) => string): string {
  const shown = items.slice(0, mostItems).map(show).join(', ');
  return items.length <= mostItems ? shown : `${shown}, … ${items.length - mostItems} more`;
}

function name(key: string): string {
  return key.length <= longestText && /^[A-Za-z_$][\w$]*$/.test(key) ? key : quoted(key);
}

function short(text: string): string {
  return text.length > longestText ? `${text.slice(0, longestText)}…` : text;
}

function quoted(text: string): string {
  return `'${JSON.stringify(short(text)).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}
