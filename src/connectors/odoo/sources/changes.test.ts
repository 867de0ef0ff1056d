import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seeded } from '../../../core/clock.ts';
import type { Context } from '../../../core/connector.ts';
import type { Odoo } from '../database.ts';
import type { Row } from '../rows.ts';
import { Changes } from './changes.ts';
import { earlier, timeOf } from './cursor.ts';

const cx = {} as Context;
const zero = '2026-11-20 10:00:00';
const at = (seconds: number): string => earlier(zero, -seconds * 1000);

/** Writes as a database commits them: visible from `commit` on, dated from the `start` of their transaction. Seconds. */
interface Write {
  readonly id: number;
  readonly start: number;
  readonly commit: number;
}

/** Rows of one model at a moment: of each id the write that was committed last. */
class Table {
  now = 0;
  readonly #writes: ReadonlyMap<number, readonly Write[]>;
  constructor(writes: readonly Write[]) {
    this.#writes = Map.groupBy(
      writes.toSorted((a, b) => a.id - b.id || a.commit - b.commit),
      ({ id }) => id,
    );
  }

  content(id: number): Write | undefined {
    return this.#writes.get(id)?.findLast((write) => write.commit <= this.now);
  }

  rows(domain: readonly unknown[]): Row[] {
    const rows = [...this.#writes.keys()].flatMap((id): Row[] => {
      const write = this.content(id);
      return write ? [{ id, write_date: at(Math.floor(write.start)) }] : [];
    });
    return rows.filter((row) =>
      (domain as [string, string, string | number][]).every(([field, operator, value]) => {
        const has = row[field] as string | number;
        return operator === '>=' ? has >= value : operator === '<' ? has < value : has > value;
      }),
    );
  }

  readonly odoo = {
    read: async (_model: string, domain: unknown[], _fields: string[], _cx: Context, _order: string, limit: number) =>
      this.rows(domain).slice(0, limit),
    count: async (_model: string, domain: unknown[]) => this.rows(domain).length,
  } as unknown as Odoo;
}

/** Polls until long after the last commit; gives what was last read of each id, and how many rows were read. */
async function follow(table: Table, overlap: number, every: number, until: number) {
  const changes = new Changes([{ model: 'm', domain: [], root: 'id' }]);
  const read = new Map<number, Write>();
  let since = at(0);
  let reads = 0;
  for (table.now = 0; table.now < until; table.now += every) {
    const now = at(Math.floor(table.now));
    for (let whole = false; !whole; ) {
      const slice = await changes.next(table.odoo, since, earlier(now, overlap * 1000), now, cx);
      for (const id of slice.roots) {
        read.set(id, table.content(id)!);
        reads += 1;
      }
      slice.remember();
      whole = slice.whole;
      since = slice.upTo;
      changes.prune(since);
    }
  }
  return { read, reads };
}

describe('changes', () => {
  /** Some rows written by many transactions, short and long; no two write a row at the same time, as a database sees to. */
  const history = (seed: number): Write[] => {
    const random = seeded(seed);
    return Array.from({ length: 12 }, (_, id) => id + 1).flatMap((id) => {
      const writes: Write[] = [];
      for (let free = random() * 30; free < 600; ) {
        const start = free + random() * (random() < 0.5 ? 0.4 : 60);
        const commit = start + random() * (random() < 0.7 ? 0.5 : 119);
        writes.push({ id, start, commit });
        free = commit;
      }
      return writes;
    });
  };

  it('sees the last content of every row, whatever began before and ended after', async () => {
    for (let seed = 1; seed <= 15; seed++) {
      const table = new Table(history(seed));
      const { read } = await follow(table, 120, 0.3 + (seed % 7), 1200);
      for (let id = 1; id <= 12; id++) assert.deepEqual(read.get(id), table.content(id), `seed ${seed}, row ${id}`);
    }
  });

  it('with an overlap shorter than transactions are long some are lost: the test can tell', async () => {
    let lost = 0;
    for (let seed = 1; seed <= 15; seed++) {
      const table = new Table(history(seed));
      const { read } = await follow(table, 20, 1, 1200);
      for (let id = 1; id <= 12; id++) if (read.get(id) !== table.content(id)) lost += 1;
    }
    assert.ok(lost > 0);
  });

  it('reads a row twice, not as often as it is polled', async () => {
    const writes = Array.from({ length: 100 }, (_, id) => ({ id: id + 1, start: 10 + id / 10, commit: 10 + id / 10 }));
    const { reads } = await follow(new Table(writes), 120, 2, 600);
    assert.ok(reads <= 2 * 100 + 30, `${reads} reads of 100 changes`);
  });

  it('takes what piled up in steps, by time, and all of it', async () => {
    const many = 45_000;
    const writes = Array.from({ length: many }, (_, id) => ({
      id: id + 1,
      start: 1 + ((id * 7919) % 3000),
      commit: 3001,
    }));
    const table = new Table(writes);
    const changes = new Changes([{ model: 'm', domain: [], root: 'id' }]);
    table.now = 9000;
    const seen = new Set<number>();
    const ends: string[] = [];
    let since = at(0);
    for (let whole = false; !whole; ) {
      const slice = await changes.next(table.odoo, since, at(8000), at(9000), cx);
      assert.ok(slice.roots.length <= 20_000, `${slice.roots.length} rows in one slice`);
      for (const id of slice.roots) seen.add(id);
      whole = slice.whole;
      since = slice.upTo;
      ends.push(since);
    }
    assert.equal(seen.size, many);
    assert.ok(ends.length >= 3 && ends.every((end, place) => place === 0 || timeOf(end) > timeOf(ends[place - 1]!)));
  });

  it('is not stopped by one second that holds more than a slice', async () => {
    const writes = Array.from({ length: 25_000 }, (_, id) => ({ id: id + 1, start: 5, commit: 6 }));
    const table = new Table(writes);
    const { read } = await follow(table, 20, 40, 100);
    assert.equal(read.size, 25_000);
  });
});
