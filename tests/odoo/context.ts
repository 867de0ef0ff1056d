import { milliseconds, systemClock } from '../../src/core/clock.ts';
import type { Context, Log, MappingTable } from '../../src/core/connector.ts';
import { rejected } from '../../src/core/fault.ts';

export interface ContextParts {
  readonly connection?: string;
  readonly secrets?: Readonly<Record<string, string>>;
  /** Rows of each Mapping table. */
  readonly mappings?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly fetch?: Context['fetch'];
  readonly signal?: AbortSignal;
  /** Multiplies every sleep; 0 does not wait. */
  readonly patience?: number;
}

/** What a connector is given, without an engine: real network, real clock, mappings and secrets from the test. Log lines are kept. */
export function makeContext(parts: ContextParts = {}): Context & { readonly lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const keep = (level: string) => (message: string, fields?: Record<string, unknown>) => {
    lines.push({ level, message, ...fields });
  };
  const log: Log = { debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') };
  const signal = parts.signal ?? new AbortController().signal;
  return {
    lines,
    log,
    signal,
    look: false,
    connection: parts.connection ?? 'odoo-main',
    entity: 'main',
    node: 'test-node',
    clock: { ...systemClock, sleep: (delay, abort) => systemClock.sleep(delay * (parts.patience ?? 1), abort) },
    secret: (name) => {
      const value = parts.secrets?.[name];
      if (value === undefined) throw new Error(`no secret ${name}`);
      return value;
    },
    mapping: (table) => mappingTable(table, parts.mappings?.[table] ?? {}),
    otherBoundTo: async () => null,
    call: (_, run) => run(),
    fetch:
      parts.fetch ??
      ((url, { timeout, ...init } = {}) =>
        fetch(url, {
          ...init,
          signal: AbortSignal.any([signal, AbortSignal.timeout(milliseconds(timeout ?? '30s'))]),
        })),
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
