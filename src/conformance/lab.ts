import assert from 'node:assert/strict';
import { type Clock, systemClock } from '../core/clock.ts';
import type { Context, Log, MappingTable } from '../core/connector.ts';
import { rejected } from '../core/fault.ts';
import { Network } from './network.ts';

/** What every port under test may be given. */
export interface Surroundings {
  /** Name of the connection; `conformance` when absent. */
  readonly connection?: string;
  readonly secrets?: Readonly<Record<string, string>>;
  /** Rows of each Mapping table. */
  readonly mappings?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** What stands behind `cx.fetch`: fetch() itself, or a target in memory. */
  readonly network?: (url: string, init?: RequestInit) => Promise<Response>;
  /** One whose `sleep` is short where the target is quick. The system's when absent. */
  readonly clock?: Clock;
}

/** A context with a network on which things go wrong as planned; keeps what was logged and said. */
export interface Lab {
  readonly cx: Context;
  readonly network: Network;
  /** Throws when `text`, or anything that was logged, holds a secret. */
  keepsSilence(text?: string): void;
}

export function makeLab({
  connection,
  secrets = {},
  mappings = {},
  network: base,
  clock = systemClock,
}: Surroundings): Lab {
  const network = new Network(base ?? ((url, init) => fetch(url, init)));
  const lines: string[] = [];
  const keep = (message: string, fields?: Record<string, unknown>): void => {
    lines.push(`${message} ${JSON.stringify(fields ?? {})}`);
  };
  const log: Log = { debug: keep, info: keep, warn: keep, error: keep };
  const cx: Context = {
    connection: connection ?? 'conformance',
    entity: 'main',
    log,
    clock,
    signal: new AbortController().signal,
    look: false,
    node: '00000000-0000-7000-8000-000000000000',
    fetch: network.fetch,
    call: network.call,
    secret: (name) => {
      const value = secrets[name];
      if (value === undefined) throw new Error(`the test gives no secret '${name}'`);
      return value;
    },
    mapping: (table) => mappingTable(table, mappings[table] ?? {}),
    otherBoundTo: async () => null,
  };
  return {
    cx,
    network,
    keepsSilence: (text = '') => {
      for (const [name, value] of Object.entries(secrets))
        for (const line of [text, ...lines])
          assert.ok(
            value.length < 6 || !line.includes(value),
            `the value of secret ${name} stands in a message or log line`,
          );
    },
  };
}

function mappingTable(table: string, rows: Readonly<Record<string, string>>): MappingTable {
  const find = (code: string): string | null => rows[code] ?? null;
  return {
    find,
    get: (code) => {
      const value = find(code);
      if (value === null) throw rejected(`Mapping table '${table}' has no row for '${code}'`, 'unmapped', table);
      return value;
    },
  };
}

/** One thing that a port must do; throws when it does not. */
export type Check<Subject> = (subject: Subject) => Promise<void>;

/** What became of a check. */
export interface Verdict {
  readonly check: string;
  /** Null when the port does it. */
  readonly failure: string | null;
}

/** Runs all checks one after the other. */
export async function examine<Subject>(
  checks: Readonly<Record<string, Check<Subject>>>,
  subject: Subject,
): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const [check, run] of Object.entries(checks))
    try {
      await run(subject);
      verdicts.push({ check, failure: null });
    } catch (error) {
      verdicts.push({ check, failure: (error as Error).message });
    }
  return verdicts;
}

/** Words that an operator can act on: a sentence, no traceback. */
export function readable(message: string): void {
  assert.match(message, /\S+\s+\S+\s+\S+/, `'${message}' is no sentence`);
  assert.ok(message.length <= 1000, `a message of ${message.length} characters is not read by anybody`);
  assert.doesNotMatch(
    message,
    /Traceback|\n\s+at |^\s*[{<]/,
    'a message for an operator holds no traceback, JSON or HTML',
  );
}
