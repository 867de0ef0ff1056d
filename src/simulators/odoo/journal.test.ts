import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { bench } from './testing.ts';

const main = join(import.meta.dirname, 'main.ts');

/** Starts the simulator as a process of its own and reads its line. */
async function spawned(dir: string) {
  const child = spawn(
    process.execPath,
    [main, '--version', '19', '--data', dir, '--json', '--port', String(20_000 + Math.floor(Math.random() * 12_000))],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [line] = await once(child.stdout, 'data');
  const { url, key } = JSON.parse(String(line)) as { url: string; key: string };
  const call = async (model: string, method: string, body: unknown) => {
    const response = await fetch(`${url}/json/2/${model}/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `bearer ${key}` },
      body: JSON.stringify(body),
    });
    return response.json();
  };
  return { child, call };
}

test('what was answered survives a kill, and a torn last line is ignored', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'odoo-'));
  try {
    const { child, call } = await spawned(dir);
    for (let i = 0; i < 20; i++)
      await call('res.partner', 'load', { fields: ['id', 'name'], data: [[`t.p${i}`, `Partner ${i}`]] });
    child.kill('SIGKILL');
    await once(child, 'exit');
    appendFileSync(join(dir, readdirSync(dir).find((name) => name.startsWith('state-'))!), '{"n":99,"c":9');

    const odoo = await bench(19, { dataDir: dir });
    try {
      assert.equal((await odoo.read('res.partner', [['name', 'like', 'Partner']], ['name'])).length, 20);
      const again = await odoo.load(
        'res.partner',
        ['id', 'name'],
        [
          ['t.p3', 'Partner 3'],
          ['t.p99', 'Newcomer'],
        ],
      );
      assert.equal((again.ids as number[]).length, 2);
    } finally {
      await odoo.stop();
    }

    const reopened = await bench(19, { dataDir: dir });
    try {
      assert.equal((await reopened.read('res.partner', [['name', '=', 'Newcomer']], ['name'])).length, 1);
      const { writes } = await reopened.adminCall('GET', 'ledger');
      assert.equal((writes as { xmlid: string }[]).filter((write) => write.xmlid === 't.p3').length, 2);
    } finally {
      await reopened.stop();
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('a folder that another simulator has is refused, and free again when that one has ended', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'odoo-'));
  try {
    const first = await bench(19, { dataDir: dir });
    await assert.rejects(bench(19, { dataDir: dir }), /in use by another simulator/);
    await first.stop();
    await (await bench(19, { dataDir: dir })).stop();
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('a folder of another version is refused', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'odoo-'));
  try {
    await (await bench(18, { dataDir: dir })).stop();
    await assert.rejects(bench(19, { dataDir: dir }), RangeError);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
