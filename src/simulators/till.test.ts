import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Clock } from '../core/clock.ts';
import { readTillJournal, startTill, type Till } from './till.ts';

/** Time that stands still between drops: the till makes exactly `drops` of them. */
function steps(drops: number): { clock: Clock; over: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let left = drops;
  return {
    over: promise,
    clock: {
      now: () => new Date(0),
      monotonic: () => 0,
      sleep: (_delay, signal) => {
        left -= 1;
        if (left > 0) return Promise.resolve();
        resolve();
        return new Promise((wake) => signal?.addEventListener('abort', () => wake(), { once: true }));
      },
    },
  };
}

async function place(t: TestContext): Promise<{ folder: string; journal: string }> {
  const home = await mkdtemp(join(tmpdir(), 'crossdock-till-'));
  t.after(() => rm(home, { recursive: true, force: true }));
  return { folder: join(home, 'inbox'), journal: join(home, 'till.jsonl') };
}

async function sell(drops: number, where: { folder: string; journal: string }): Promise<Till> {
  const { clock, over } = steps(drops);
  const till = await startTill({ ...where, seed: 7, clock });
  await over;
  await till.stop();
  return till;
}

/** Value of everything in the folder, each invoice's lines once. */
async function dropped(folder: string): Promise<Map<string, string[]>> {
  const invoices = new Map<string, string[]>();
  for (const name of (await readdir(folder)).sort()) {
    assert.match(name, /\.csv$/);
    if (name.includes('again')) continue;
    for (const line of (await readFile(join(folder, name), 'utf8')).trimEnd().split('\n')) {
      const [invoice = '', code = '', , quantity, , price] = line.split(',');
      if (invoice === 'InvoiceNo') continue;
      invoices.set(invoice, [
        ...(invoices.get(invoice) ?? []),
        `${code} ${quantity} ${Math.round(Number(price) * 100)}`,
      ]);
    }
  }
  return invoices;
}

test('what lies in the folder is what the journal says was sold', async (t) => {
  const where = await place(t);
  const till = await sell(80, where);
  const sold = await readTillJournal(where.journal);
  assert.ok(sold.length === 2000, `${sold.length} invoices`);
  assert.deepEqual(
    await dropped(where.folder),
    new Map(
      sold.map(({ invoice, lines }) => [
        invoice,
        lines.map(({ code, quantity, price }) => `${code} ${quantity} ${price}`),
      ]),
    ),
  );
  const totals = till.sold();
  assert.equal(totals.invoices, sold.length);
  assert.equal(
    totals.lines,
    sold.reduce((sum, { lines }) => sum + lines.length, 0),
  );
  const names = await readdir(where.folder);
  for (const habit of [/-1\.csv$/, /-2\.csv$/, /-again\.csv$/, /-again-1\.csv$/])
    assert.ok(
      names.some((name) => habit.test(name)),
      String(habit),
    );
  assert.ok(sold.some(({ invoice }) => invoice.startsWith('C')));
  assert.ok(sold.some(({ customer }) => customer === ''));
  assert.ok(sold.some(({ lines }) => lines[0]!.price === 0));
});

test('the same seed sells the same; a till that starts again goes on', async (t) => {
  const one = await place(t);
  const other = await place(t);
  await sell(5, one);
  await sell(5, other);
  assert.deepEqual(await dropped(one.folder), await dropped(other.folder));
  await sell(5, one);
  const numbers = (await readTillJournal(one.journal)).map(({ invoice }) => Number(invoice.replace('C', '')));
  assert.deepEqual(
    numbers,
    numbers.map((_, i) => 600_001 + i),
  );
});

test('a drop that a crash interrupted is made again, and half a journal line is forgotten', async (t) => {
  const where = await place(t);
  await sell(2, where);
  const lines = (await readFile(where.journal, 'utf8')).trimEnd().split('\n');
  const last = JSON.parse(lines.at(-2)!) as { drop: number; files: Record<string, string> };
  await rm(where.journal);
  await appendFile(where.journal, `${lines.slice(0, -1).join('\n')}\n{"drop":3,"inv`);
  for (const name of Object.keys(last.files)) await rm(join(where.folder, name));
  await sell(1, where);
  for (const [name, content] of Object.entries(last.files))
    assert.equal(await readFile(join(where.folder, name), 'utf8'), content);
  const sold = await readTillJournal(where.journal);
  assert.equal(new Set(sold.map(({ invoice }) => invoice)).size, sold.length);
  assert.equal(sold.length, (await dropped(where.folder)).size);
});
