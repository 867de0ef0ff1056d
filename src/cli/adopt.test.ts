import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sides } from '../engine/adopt.ts';
import { describeSides } from './adopt.ts';

const dry = { yes: false, able: true };
const product: Sides = {
  kind: 'product',
  entity: 'main',
  connection: 'odoo',
  matched: [{ key: 'MUG', id: '7', by: 'SKU' }],
  known: 2,
  onlyHere: ['CUP'],
  onlyThere: 4,
  ambiguous: [{ key: 'PEN', message: 'Odoo has 2' }],
  sources: [],
};

test('what adopting found is told: targets that cannot be asked, a source that has nothing, and records that no flow can read', () => {
  assert.match(describeSides([], [], { yes: false, able: false }), /^No target of this flow can tell/);
  assert.match(describeSides([], [], dry), /^The source of this flow has nothing to tell yet/);
  const unread = Array.from({ length: 51 }, (_, n) => ({ subject: `order:${n}`, message: 'no row for GB VAT' }));
  const told = describeSides([], unread, dry);
  assert.match(told, /^Nothing could be asked for\.\n\nCould not be asked about\n/);
  assert.match(told, /order:49 +no row for GB VAT\nand 1 more\n/);
  assert.doesNotMatch(told, /order:50/);
});

test('matches are counted and their way is named; only an act says that something was bound', () => {
  const told = describeSides([product], [], dry);
  assert.match(told, /product +odoo +1 +2 +1 +4 +1\n/);
  assert.match(told, /product: 1 by SKU/);
  assert.match(told, /product +PEN +Odoo has 2/);
  assert.match(told, /Nothing was written/);
  assert.match(describeSides([product], [], { yes: true, able: true }), /What was matched is bound now\.$/);
  assert.doesNotMatch(told, /CUP/);
  const all = describeSides([product], [], { ...dry, verbose: true });
  assert.match(all, /\nPairs\nkind +key +at +id there +by\nproduct +MUG +odoo +7 +SKU\n/);
  assert.match(all, /\nOnly here\nkind +key +not at\nproduct +CUP +odoo\n/);
});
