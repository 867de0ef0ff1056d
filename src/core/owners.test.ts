import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sink } from './connector.ts';
import type { AnyFlow } from './estate.ts';
import { checkOwners } from './owners.ts';

type Owned = Readonly<Record<string, readonly string[]>>;

const sinkAt = (connection: string) => ({ connection, sink: sinks[connection] ?? ({ name: 'cards' } as Sink) });
const sinks: Record<string, Sink> = { left: { name: 'cards' } as Sink, right: { name: 'cards' } as Sink };
const ends = (
  id: string,
  from: string,
  to: string,
  more: { fields?: Owned; shared?: Owned; makes?: string[] } = {},
) => ({
  flow: { id, ...more } as unknown as AnyFlow,
  from,
  to: { card: sinkAt(to) },
});
const text = { fields: { card: ['text'] } };
const both = { fields: { card: ['text', 'stock'] } };

test('two flows that change a field of one kind are told apart by where they read and write', () => {
  const refused: [ReturnType<typeof ends>[], RegExp][] = [
    [
      [ends('a', 'left', 'right', both), ends('b', 'left', 'right', text)],
      /both write text of 'card' to 'right' \(cards\)/,
    ],
    [
      [ends('a', 'left', 'right', text), ends('b', 'right', 'left', both)],
      /both write text of 'card': the first to 'right'/,
    ],
    [[ends('a', 'left', 'right'), ends('b', 'right', 'left', text)], /'a' and 'b' both write text of 'card'/],
    [[ends('a', 'left', 'right', text), ends('b', 'right', 'left')], /'a' and 'b' both write text of 'card'/],
  ];
  for (const [all, words] of refused) assert.throws(() => checkOwners(all), words);
  const stock = { fields: { card: ['stock'] } };
  const fine: ReturnType<typeof ends>[][] = [
    [ends('a', 'left', 'right', stock), ends('b', 'right', 'left', text)],
    [ends('a', 'left', 'right'), ends('b', 'right', 'left')],
    [ends('a', 'left', 'right', text), ends('b', 'middle', 'right', text)],
    [ends('a', 'left', 'right', text), ends('b', 'right', 'middle', text)],
    [ends('a', 'left', 'right', { makes: ['card'] }), ends('b', 'right', 'left', text)],
  ];
  for (const all of fine) assert.doesNotThrow(() => checkOwners(all));
});

test('what is shared is said in both', () => {
  const shared = { ...text, shared: { card: ['text'] } };
  assert.doesNotThrow(() => checkOwners([ends('a', 'left', 'right', shared), ends('b', 'right', 'left', shared)]));
  assert.throws(() => checkOwners([ends('a', 'left', 'right', shared), ends('b', 'right', 'left', text)]), /text/);
  assert.throws(
    () =>
      checkOwners([
        ends('a', 'left', 'right', { ...both, ...shared, ...both }),
        ends('b', 'right', 'left', { ...both, shared: { card: ['text'] } }),
      ]),
    /both write stock of/,
  );
});
