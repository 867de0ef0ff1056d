import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');

/** What each room may import, besides itself. */
const allowed: Record<string, string[]> = {
  core: [],
  model: ['core'],
  connectors: ['core', 'model'],
  flows: ['core', 'model', 'connectors'],
  ledger: ['core', 'model'],
  engine: ['core', 'model', 'ledger'],
  watch: ['core', 'model', 'ledger', 'engine'],
  guard: ['core', 'ledger'],
  server: ['core', 'model', 'ledger', 'engine', 'watch', 'guard'],
  simulators: ['core', 'model'],
  conformance: ['core'],
  cli: ['core', 'model', 'connectors', 'flows', 'ledger', 'engine', 'watch', 'guard', 'server', 'simulators'],
};

/** Packages that belong to one room: SQL to the ledger, HTTP serving to the server, and so on. */
const owners: Record<string, string[]> = {
  pg: ['ledger'],
  fastify: ['server'],
  commander: ['cli'],
  'prom-client': ['watch', 'server'],
};

interface Import {
  file: string;
  room: string;
  specifier: string;
}

function imports(): Import[] {
  return globSync('src/**/*.ts', { cwd: root })
    .filter((file) => !file.endsWith('.test.ts') && file.split('/').length > 2)
    .flatMap((file) => {
      const text = readFileSync(join(root, file), 'utf8');
      const specifiers = [
        ...text.matchAll(
          /(?:^|\n)\s*(?:import|export)\b[^'"`;]*?from\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)import\s*['"]([^'"]+)['"]/g,
        ),
      ];
      return specifiers.map((found) => ({
        file,
        room: file.split('/')[1]!,
        specifier: (found[1] ?? found[2] ?? found[3])!,
      }));
    });
}

const roomOf = ({ file, specifier }: Import): string | null => {
  if (!specifier.startsWith('.')) return null;
  const [top, room] = relative(root, join(root, dirname(file), specifier)).split('/');
  return top === 'src' ? (room ?? null) : null;
};

test('imports run one way only between the rooms', () => {
  const found = imports();
  assert.ok(found.length > 100, 'the test looks at the sources');
  const wrong = found.filter((entry) => {
    const target = roomOf(entry);
    return target !== null && target !== entry.room && !(allowed[entry.room] ?? []).includes(target);
  });
  assert.deepEqual(
    wrong.map(({ file, specifier }) => `${file} imports ${specifier}`),
    [],
  );
});

test('every room is known', () => {
  const rooms = new Set(imports().map(({ room }) => room));
  assert.deepEqual(
    [...rooms].filter((room) => !(room in allowed)),
    [],
  );
});

test('packages stay in the room they belong to', () => {
  const wrong = imports().filter(
    ({ room, specifier }) => owners[specifier.split('/')[0]!] && !owners[specifier.split('/')[0]!]!.includes(room),
  );
  assert.deepEqual(
    wrong.map(({ file, specifier }) => `${file} imports ${specifier}`),
    [],
  );
});

test('connectors do not know each other', () => {
  const wrong = imports().filter((entry) => {
    const [, , own] = entry.file.split('/');
    const target = entry.specifier.startsWith('.')
      ? relative(root, join(root, dirname(entry.file), entry.specifier)).split('/')
      : [];
    return entry.room === 'connectors' && target[1] === 'connectors' && target[2] !== own;
  });
  assert.deepEqual(
    wrong.map(({ file, specifier }) => `${file} imports ${specifier}`),
    [],
  );
});

test('SQL is written in the ledger only', () => {
  const wrong = globSync('src/**/*.ts', { cwd: root }).filter(
    (file) =>
      !/^src\/(ledger|simulators)\//.test(file) &&
      !file.endsWith('.test.ts') &&
      /\b(select\s+[\w*.,\s()]+\s+from\s+\w|insert\s+into\s+\w|update\s+\w+\s+set\s|delete\s+from\s+\w)/i.test(
        readFileSync(join(root, file), 'utf8'),
      ),
  );
  assert.deepEqual(wrong, []);
});

test('every imported file exists', () => {
  const missing = imports().filter(
    ({ file, specifier }) => specifier.startsWith('.') && !existsSync(join(root, dirname(file), specifier)),
  );
  assert.deepEqual(
    missing.map(({ file, specifier }) => `${file} imports ${specifier}`),
    [],
  );
});
