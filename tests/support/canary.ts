import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import pg from 'pg';

/** Words that stand for what must not be found where it does not belong, each with what they are. */
export type Canaries = Readonly<Record<string, string>>;

export const person: Canaries = {
  'the name of a person': 'Quillfeather',
  'an e-mail address': 'zebulon@canary.example',
  'a card number': '4929000011112222',
};

/** Which of them stand in a text or bytes, as they are (in any case) or as hex. */
export function sightings(where: string, bytes: string | Uint8Array, canaries: Canaries): string[] {
  const text = Buffer.from(bytes as string)
    .toString('latin1')
    .toLowerCase();
  return Object.entries(canaries).flatMap(([what, word]) => {
    const plain = Buffer.from(word).toString('latin1').toLowerCase();
    return text.includes(plain) || text.includes(Buffer.from(word).toString('hex')) ? [`${what} in ${where}`] : [];
  });
}

/** The same in every file under a folder, but for some paths. */
export function sightingsUnder(folder: string, canaries: Canaries, but: readonly string[] = []): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => {
    const path = relative(folder, join(entry.parentPath, entry.name));
    if (!entry.isFile() || but.includes(path)) return [];
    return sightings(path, readFileSync(join(folder, path)), canaries);
  });
}

/** The same in a plain COPY of every table of a ledger, partitions included. */
export async function sightingsInTables(url: string, canaries: Canaries): Promise<{ found: string[]; rows: number }> {
  const client = new pg.Client({
    connectionString: url,
    options: '-c search_path=crossdock -c crossdock.entity=* -c timezone=UTC',
  });
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `select relname::text as name from pg_class where relnamespace = 'crossdock'::regnamespace and relkind in ('r', 'p') and not relispartition order by 1`,
    );
    const found: string[] = [];
    let count = 0;
    for (const { name } of tables) {
      const { rows } = await client.query<{ row: string }>(`select t::text as row from "${name}" t`);
      count += rows.length;
      found.push(...sightings(`table ${name}`, rows.map(({ row }) => row).join('\n'), canaries));
    }
    return { found, rows: count };
  } finally {
    await client.end();
  }
}
