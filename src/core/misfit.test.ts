import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TSchema, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { misfit } from './misfit.ts';

const told = (field: TSchema, value: unknown): string => {
  const schema = Type.Object({ a: field }, { additionalProperties: false });
  const { at, words } = misfit(Compile(schema).Errors(value));
  return `${at} ${words}`;
};

test('what does not fit a schema is told in words, with its place', () => {
  const text = Type.String({ minLength: 1, maxLength: 3 });
  assert.equal(told(text, {}), '/a is missing');
  assert.equal(told(text, { a: '' }), '/a must not be empty');
  assert.equal(told(text, { a: 'abcd' }), '/a must have 3 characters at most');
  assert.equal(told(text, { a: 5 }), '/a must be text');
  assert.equal(told(Type.String({ minLength: 2 }), { a: 'x' }), '/a must have 2 characters at least');
  assert.equal(told(text, { a: '', b: 1 }), '/b is not known here');
  assert.equal(told(Type.Optional(text), { A: 'x' }), '/A is not known here');
  assert.equal(told(Type.Enum(['new', 'parked']), { a: 'odd' }), '/a must be one of new, parked');
  assert.equal(told(Type.Union([Type.String(), Type.Null()]), { a: 5 }), '/a must be text or null');
  const limit = Type.Integer({ minimum: 1, maximum: 200 });
  assert.equal(told(limit, { a: 0 }), '/a must be 1 at least');
  assert.equal(told(limit, { a: 201 }), '/a must be 200 at most');
  assert.equal(told(limit, { a: 'ten' }), '/a must be a whole number');
  assert.match(told(Type.String({ format: 'date-time' }), { a: 'yesterday' }), /^\/a must be a time such as 2026-/);
  assert.match(told(Type.String({ format: 'uuid' }), { a: '1001' }), /^\/a must be an id such as /);
  const list = Type.Array(Type.String(), { minItems: 1, maxItems: 2 });
  assert.equal(told(list, { a: [] }), '/a must not be empty');
  assert.equal(told(list, { a: ['x', 'y', 'z'] }), '/a must have 2 items at most');
  assert.equal(told(list, { a: ['x', 2] }), '/a/1 must be text');
  assert.match(told(Type.String({ pattern: '^x$' }), { a: 'y' }), /^\/a must match pattern/);
});
