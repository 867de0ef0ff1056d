import type { Log } from '../core/connector.ts';
import { HubError } from '../core/errors.ts';

const levels = ['debug', 'info', 'warn', 'error', 'silent'] as const;

/** From the most to the fewest lines; `silent` writes nothing. */
export type LogLevel = (typeof levels)[number];

/** The level that CROSSDOCK_LOG asks for, `otherwise` when it says nothing. Throws HubError CONFIG_INVALID for any other word. */
export function levelOf(asked: string | undefined, otherwise: LogLevel = 'info'): LogLevel {
  const word = asked?.trim().toLowerCase() || otherwise;
  const level = levels.find((name) => name === word);
  if (level) return level;
  throw new HubError('CONFIG_INVALID', 'CROSSDOCK_LOG is not a log level', { hint: `use one of ${levels.join(', ')}` });
}

/**
 * Names of fields that are never printed, at any depth, whatever they hold. Written without case, hyphens and underscores: `apikey` also
 * withholds `api_key` and `apiKey`. What may be personal is not logged at all; this list catches what slipped through.
 */
export const neverPrinted: readonly string[] = [
  'authorization',
  'cookie',
  'setcookie',
  'password',
  'passphrase',
  'secret',
  'token',
  'accesstoken',
  'refreshtoken',
  'apikey',
  'masterkey',
  'privatekey',
  'databaseurl',
  'payload',
  'body',
  'bytes',
  'email',
  'phone',
];

const WITHHELD = '[withheld]';
const RESERVED = new Set(['time', 'level', 'message']);
const LONGEST_TEXT = 8_000;
const DEEPEST = 6;
const MOST_ITEMS = 100;

const plainName = (name: string): string => name.toLowerCase().replaceAll(/[-_]/g, '');

/** Credentials that stand in texts we did not write ourselves: in addresses, and after Bearer or Basic. */
const printable = (text: string): string => {
  const shown = text
    .replaceAll(/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, `$1${WITHHELD}@`)
    .replaceAll(/\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${WITHHELD}`);
  return shown.length > LONGEST_TEXT ? `${shown.slice(0, LONGEST_TEXT)}… (${shown.length} characters)` : shown;
};

/** JSON.stringify leaves these as they are, and terminals and log readers obey them: DEL, C1 controls, line and text direction marks. */
const escapeInvisible = (line: string): string =>
  line.replaceAll(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

export interface LogOptions {
  level: LogLevel;
  /** Takes one line with its line end; standard error when absent. */
  write?: (line: string) => void;
  now?: () => Date;
  withheld?: readonly string[];
}

/** A Log that writes one JSON object per line: time, level, message, then the fields. It never throws and never lets a value start a line of its own. */
export function jsonLog({
  level,
  write = (line) => process.stderr.write(line),
  now = () => new Date(),
  withheld = neverPrinted,
}: LogOptions): Log {
  const names = new Set(withheld.map(plainName));
  const lowest = levels.indexOf(level);

  const record = (name: LogLevel, message: string, fields: Record<string, unknown>): string => {
    const line: Record<string, unknown> = {
      time: now().toISOString(),
      level: name,
      message: printable(String(message)),
    };
    for (const [field, value] of Object.entries(shown(fields, names, []) as Record<string, unknown>))
      line[RESERVED.has(field) ? `field_${field}` : field] = value;
    return `${escapeInvisible(JSON.stringify(line))}\n`;
  };
  const at =
    (name: LogLevel) =>
    (message: string, fields: Record<string, unknown> = {}): void => {
      if (levels.indexOf(name) < lowest) return;
      try {
        write(record(name, message, fields));
      } catch {
        // a log line is never worth the work it speaks of
      }
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** A copy that JSON can hold: no withheld names, no cycles, nothing endless. `above` are the objects it stands in. */
function shown(value: unknown, names: ReadonlySet<string>, above: readonly object[]): unknown {
  if (typeof value === 'string') return printable(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint' || typeof value === 'symbol') return String(value);
  if (typeof value === 'function') return `[function ${value.name}]`;
  if (typeof value !== 'object' || value === null) return value;
  if (above.includes(value)) return '[circular]';
  if (above.length >= DEEPEST) return '[deeper]';
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  const within = [...above, value];
  if (Array.isArray(value) || value instanceof Set) {
    const items = [...value];
    const first = items.slice(0, MOST_ITEMS).map((item) => shown(item, names, within));
    return items.length > MOST_ITEMS ? [...first, `… ${items.length - MOST_ITEMS} more`] : first;
  }
  return Object.fromEntries(
    fieldsOf(value)
      .slice(0, MOST_ITEMS)
      .map(([name, read]) => [name, names.has(plainName(name)) ? WITHHELD : shown(attempted(read), names, within)]),
  );
}

/** An object's fields, each to be read on its own: a getter that throws spoils only itself. */
function fieldsOf(value: object): [string, () => unknown][] {
  if (value instanceof Map) return [...value].map(([name, item]) => [String(name), () => item]);
  const own = Object.keys(value).map((name): [string, () => unknown] => [
    name,
    () => (value as Record<string, unknown>)[name],
  ]);
  if (!(value instanceof Error)) return own;
  const parts = (['name', 'message', 'stack', 'cause'] as const).filter((part) => value[part] !== undefined);
  return [...parts.map((part): [string, () => unknown] => [part, () => value[part]]), ...own];
}

function attempted(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return '[unreadable]';
  }
}
