import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { basename } from 'node:path';
import { parse } from 'csv-parse/sync';
import { HubError } from '../core/errors.ts';
import { importMapping as writeMapping } from '../engine/mappings.ts';
import { currentMappings } from '../ledger/mappings.ts';
import { withLedger } from './open.ts';
import { printJson, sayTo, table } from './print.ts';

/** Who acts, for the audit. */
export function actor(): string {
  try {
    return `cli:${userInfo().username}`;
  } catch {
    return `cli:uid-${process.getuid?.() ?? 'unknown'}`;
  }
}

export async function listMappings({ json = false }: { json?: boolean }): Promise<void> {
  await withLedger(async ({ db }) => {
    const tables = (await currentMappings(db)).map(({ rows, ...rest }) => ({
      ...rest,
      rows: Object.keys(rows).length,
    }));
    if (json) printJson(tables);
    else
      sayTo(false)(
        table(
          ['table', 'entity', '>version', '>rows', 'owner', 'about'],
          tables.map((t) => [t.name, t.entity, String(t.version), String(t.rows), t.owner, t.about]),
        ),
      );
  });
}

export async function exportMapping(name: string, { entity }: { entity: string }): Promise<void> {
  await withLedger(async ({ db }) => {
    const found = (await currentMappings(db)).find((t) => t.name === name && t.entity === entity);
    if (!found)
      throw new HubError('NOT_FOUND', `there is no Mapping table '${name}' for '${entity}'`, {
        hint: 'crossdock mapping list',
      });
    const lines = Object.entries(found.rows).map(([code, target]) => `${cell(code)},${cell(target)}`);
    process.stdout.write(`code,target\n${lines.join('\n')}\n`);
  });
}

const cell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

export async function importMapping(
  file: string,
  { table: named, entity, owner, reason }: { table?: string; entity: string; owner?: string; reason: string },
): Promise<void> {
  const name = named ?? basename(file).replace(/\.[^.]*$/, '');
  const rows = readRows(file);
  await withLedger(async ({ db }) => {
    const version = await writeMapping(db, { entity, name, rows, owner }, { by: actor(), reason });
    sayTo(false)(
      `Mapping table '${name}' is at version ${version} with ${Object.keys(rows).length} rows. Running hubs use it within seconds.`,
    );
  });
}

function readRows(file: string): Record<string, string> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new HubError('BAD_USE', `${file} cannot be read (${(cause as NodeJS.ErrnoException).code})`, {
      cause,
      hint: 'name a CSV file, such as crossdock mapping export TABLE prints',
    });
  }
  let records: string[][];
  try {
    records = parse(text, {
      bom: true,
      relax_column_count: false,
      skip_empty_lines: true,
    }) as string[][];
  } catch (cause) {
    throw new HubError('MAPPING_INVALID', `${file} could not be read as CSV: ${(cause as Error).message}`, {
      cause,
      hint: 'each line is code,target; a text with a comma stands in double quotes',
    });
  }
  const [header, ...rest] = records;
  if (header?.join(',') !== 'code,target')
    throw new HubError('MAPPING_INVALID', `${file} must start with the line code,target`);
  const rows: Record<string, string> = Object.create(null);
  for (const [index, [code, target]] of rest.entries()) {
    if (!code) throw new HubError('MAPPING_INVALID', `${file}, line ${index + 2}: the code is empty`);
    if (Object.hasOwn(rows, code))
      throw new HubError('MAPPING_INVALID', `${file}, line ${index + 2}: '${code}' stands twice`);
    rows[code] = target ?? '';
  }
  return rows;
}
