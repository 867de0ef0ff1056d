import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { versions } from './naive/versions.ts';

const root = join(import.meta.dirname, '..');

test('every naive version still fits the source: npm run test:naive can make it', () => {
  const changed = new Map<string, string>();
  for (const { name, changes } of versions) {
    changed.clear();
    for (const { file, from, to } of changes) {
      const text = changed.get(file) ?? readFileSync(join(root, file), 'utf8').replaceAll('\r\n', '\n');
      assert.equal(text.split(from).length - 1, 1, `${name}: how often its text stands in ${file}\n${from}`);
      changed.set(
        file,
        text.replace(from, () => to),
      );
    }
  }
});
