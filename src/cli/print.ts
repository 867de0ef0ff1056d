import { HubError } from '../core/errors.ts';

/** Writes a line for people, to standard error when standard output carries JSON. */
export type Say = (line: string) => void;

export const sayTo =
  (json: boolean): Say =>
  (line) => {
    (json ? process.stderr : process.stdout).write(`${line}\n`);
  };

export const printJson = (value: unknown): void => {
  process.stdout.write(
    `${JSON.stringify(value, (_, field) => (typeof field === 'bigint' ? field.toString() : field))}\n`,
  );
};

/** Columns padded to the widest cell; cells of a column whose header starts with '>' stand on the right. */
export function table(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  const titles = headers.map((header) => header.replace(/^>/, ''));
  const widths = titles.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        headers[column]!.startsWith('>') ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
      )
      .join('  ')
      .trimEnd();
  return [line(titles), ...rows.map(line)].join('\n');
}

/** '1 record', '2 records'. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

export const are = (count: number): string => (count === 1 ? 'is' : 'are');

/** Says what went wrong and what to do, in words; the stack only for a defect and when CROSSDOCK_LOG is debug. */
export function explain(error: unknown): string {
  if (error instanceof HubError) return `${error.message}${error.hint ? `\n  → ${error.hint}` : ''}\n  (${error.code})`;
  const text = error instanceof Error ? error.message || error.name : String(error);
  return process.env.CROSSDOCK_LOG === 'debug' && error instanceof Error ? `${text}\n${error.stack}` : text;
}

/** Reads '60s', '5m', '2h' or plain seconds, in seconds. */
export function seconds(text: string): number {
  const parts = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  if (!parts) throw new HubError('BAD_USE', `'${text}' is not a time`, { hint: 'write it as 60s, 5m or 2h' });
  return Number(parts[1]) * { ms: 0.001, s: 1, m: 60, h: 3600 }[(parts[2] ?? 's') as 'ms' | 's' | 'm' | 'h'];
}

/** Money at stake, for people. */
export const stake = (value: string | null, currency: string | null): string =>
  value === null ? 'no money' : `${value} ${currency}`;

/** How long ago: '4m'. */
export const since = (at: Date): string => span(Date.now() - at.getTime());

/** How long until a moment, or since when it is late: '2h', '3d late'. */
export const until = (at: Date): string => {
  const left = at.getTime() - Date.now();
  return left < 0 ? `${span(-left)} late` : span(left);
};

const span = (ms: number): string => {
  const passed = Math.max(0, ms) / 1000;
  if (passed < 90) return `${Math.round(passed)}s`;
  return passed < 5400
    ? `${Math.round(passed / 60)}m`
    : passed < 172_800
      ? `${Math.round(passed / 3600)}h`
      : `${Math.round(passed / 86_400)}d`;
};

/** Bytes in a person's words. */
export const size = (bytes: number): string => {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  const step = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${step === 0 ? bytes : (bytes / 1000 ** step).toFixed(1)} ${units[step]}`;
};
