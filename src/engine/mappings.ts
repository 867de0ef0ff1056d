import type { MappingTable } from '../core/connector.ts';
import { HubError } from '../core/errors.ts';
import { lookupConnection } from '../core/estate.ts';
import { rejected } from '../core/fault.ts';
import type { MappingSeed } from '../core/flow.ts';
import { appendAudit } from '../ledger/audit.ts';
import type { Database, Ledger } from '../ledger/database.ts';
import { addMappingVersion, currentMappings, lockMapping, mappingStamp } from '../ledger/mappings.ts';
import type { Parts } from './parts.ts';
import type { Decision } from './resolve.ts';

/** A pattern's code: `#` stands for a digit, `?` for any one character, a last `*` for any rest. */
const isPattern = (code: string): boolean => /[#?*]/.test(code);

function matcher(pattern: string): RegExp {
  const star = pattern.endsWith('*');
  const body = (star ? pattern.slice(0, -1) : pattern)
    .replaceAll(/[.*+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('#', String.raw`\d`)
    .replaceAll('?', '.');
  return new RegExp(`^${body}${star ? '.*' : ''}$`, 'su');
}

/** Looks codes up in a table's rows: an exact row first, then patterns, the one with most literal characters first. */
export function mappingTable(name: string, rows: Readonly<Record<string, string>>): MappingTable {
  const exact = new Map(Object.entries(rows));
  const literals = (pattern: string): number => pattern.replaceAll(/[#?*]/g, '').length * 1000 + pattern.length;
  const patterns = Object.keys(rows)
    .filter(isPattern)
    .sort((a, b) => literals(b) - literals(a) || (a < b ? -1 : 1))
    .map((pattern) => ({ test: matcher(pattern), target: rows[pattern]! }));
  const find = (code: string): string | null =>
    exact.get(code) ?? patterns.find(({ test }) => test.test(code))?.target ?? null;
  return {
    find,
    get: (code) => {
      const target = find(code);
      if (target === null)
        throw rejected(
          `Mapping table '${name}' has no row for '${code}'. Add one (crossdock mapping export ${name}, edit, import), then retry.`,
          'mapping-gap',
          name,
        );
      return target;
    },
  };
}

export interface Seed {
  readonly entity: string;
  readonly name: string;
  readonly owner: string;
  readonly about: string;
  readonly rows: Record<string, string>;
  readonly changed_by: string;
}

/**
 * The Mapping tables that an estate's flows and look-ups bring, once for each entity: the first of a name that has rows, so one that is filled by the estate is not
 * shadowed by the empty one of who only reads it.
 */
export function seedsOf({ estate, wiring }: Pick<Parts, 'estate' | 'wiring'>): Seed[] {
  const all = new Map<string, Seed>();
  const add = (entity: string, { table: name, owner, about, rows }: MappingSeed, by: string): void => {
    const id = `${entity}\n${name}`;
    if (Object.keys(all.get(id)?.rows ?? {}).length > 0) return;
    if (!all.has(id) || Object.keys(rows).length > 0)
      all.set(id, { entity, name, owner, about, rows: { ...rows }, changed_by: by });
  };
  for (const flow of estate.flows) {
    const from = wiring.sources.filter(({ flows }) => flows.includes(flow)).map(({ entity }) => entity);
    const to = Object.keys(flow.to).map((kind) => wiring.sink(flow, kind).entity);
    for (const seed of flow.mappings ?? [])
      for (const entity of new Set([...from, ...to])) add(entity, seed, `flow ${flow.id}`);
  }
  for (const rule of estate.lookups ?? [])
    for (const seed of rule.from.mappings ?? [])
      add(estate.connections[lookupConnection(estate, rule)]!.entity, seed, `look-up ${rule.id}`);
  return [...all.values()];
}

/** The ledger's Mapping tables as of the last refresh. */
export class MappingBook {
  readonly #db: Database;
  #stamp = '';
  #tables = new Map<string, MappingTable>();

  constructor(db: Database) {
    this.#db = db;
  }

  /** Reads the tables again when any of them has changed. */
  async refresh(): Promise<void> {
    const stamp = await mappingStamp(this.#db);
    if (stamp === this.#stamp) return;
    this.#tables = new Map(
      (await currentMappings(this.#db)).map((table) => [
        `${table.entity} ${table.name}`,
        mappingTable(table.name, table.rows),
      ]),
    );
    this.#stamp = stamp;
  }

  /** Throws a `rejected` Fault when the entity has no such table. */
  table(entity: string, name: string): MappingTable {
    const table = this.#tables.get(`${entity} ${name}`);
    if (!table)
      throw rejected(
        `There is no Mapping table '${name}' for '${entity}'. Import one: crossdock mapping import FILE`,
        'mapping-gap',
        name,
      );
    return table;
  }
}

/** Throws HubError MAPPING_INVALID naming the row that is wrong. */
export function checkMappingRows(rows: Readonly<Record<string, string>>): void {
  for (const code of Object.keys(rows))
    if (/\*./.test(code)) throw new HubError('MAPPING_INVALID', `row '${code}': '*' may stand at the end only`);
}

/** The next version of a Mapping table. `owner` and `about` may be left out where the table is there already. */
export interface MappingImport {
  entity: string;
  name: string;
  rows: Readonly<Record<string, string>>;
  owner?: string | undefined;
  about?: string | undefined;
  /** The version that was edited; when the ledger is past it, nothing is written. */
  basedOn?: number | undefined;
}

/**
 * Writes the next version of a Mapping table, with its audit; running hubs use it within seconds. Returns its number. Throws HubError
 * MAPPING_INVALID for a wrong row, BAD_USE for a new table without owner, CONFLICT when `basedOn` is no longer the newest.
 */
export async function importMapping(
  db: Pick<Ledger, 'transaction'>,
  { entity, name, rows, owner, about, basedOn }: MappingImport,
  { by, reason }: Decision,
): Promise<number> {
  checkMappingRows(rows);
  return db.transaction(async (sql) => {
    await lockMapping(sql, entity, name);
    const before = (await currentMappings(sql)).find((table) => table.name === name && table.entity === entity);
    if (basedOn !== undefined && basedOn !== (before?.version ?? 0))
      throw new HubError('CONFLICT', `Mapping table '${name}' is at version ${before?.version ?? 0}, not ${basedOn}`, {
        hint: 'read it again and make your change there',
      });
    const answers = owner ?? before?.owner;
    if (answers === undefined)
      throw new HubError('BAD_USE', `Mapping table '${name}' is new: it needs an owner`, {
        hint: 'name who answers for it (--owner NAME, or owner in the request)',
      });
    const version = (before?.version ?? 0) + 1;
    const added = await addMappingVersion(sql, {
      entity,
      name,
      version,
      owner: answers,
      about: about ?? before?.about ?? '',
      rows: { ...rows },
      changed_by: by,
    });
    if (!added)
      throw new HubError('CONFLICT', `somebody else has just written Mapping table '${name}'`, {
        hint: 'read it again',
      });
    await appendAudit(sql, [
      {
        entity,
        actor: by,
        action: 'mapping.imported',
        object: `mapping:${name}`,
        detail: { version, rows: Object.keys(rows).length, reason },
      },
    ]);
    return version;
  });
}
