import assert from 'node:assert/strict';
import { it } from 'node:test';
import { contract, done, faultOf, rejection } from './contract.ts';

contract('journal entries', ({ at, run, count, entry }) => {
  it('posts, and a replay posts nothing more', async () => {
    const one = entry(`je-${run}`, [
      ['cash', 11900],
      ['sales', -10000],
      ['sales', -1900],
    ]);
    const id = done((await at.hub.sinks.journalEntries.deliver([one], at.cx))[0]);
    const [row] = await at.direct.read(
      'account.move',
      [['id', '=', Number(id)]],
      ['state', 'date', 'amount_total'],
      at.cx,
    );
    assert.deepEqual([row!.state, row!.date, row!.amount_total], ['posted', '2026-11-22', 119]);
    assert.equal(done((await at.hub.sinks.journalEntries.deliver([one], at.cx))[0]), id);
    assert.equal(await count('account.move', [['ref', '=', `Z-je-${run}`]]), 1);
  });

  it('lost answers of load and of action_post: one entry', async () => {
    const one = entry(`jl-${run}`, [
      ['cash', 500],
      ['sales', -500],
    ]);
    at.proxy.next('account.move.load', { do: 'cut-after' });
    assert.equal(faultOf((await at.hub.sinks.journalEntries.deliver([one], at.cx))[0]).kind, 'unknown');
    at.proxy.next('account.move.action_post', { do: 'cut-after' });
    done((await at.hub.sinks.journalEntries.deliver([one], at.cx))[0]);
    done((await at.hub.sinks.journalEntries.deliver([one], at.cx))[0]);
    assert.equal(await count('account.move', [['ref', '=', `Z-jl-${run}`]]), 1);
  });

  it('unbalanced, unmapped and unknown accounts are rejected and nothing is written', async () => {
    const results = await at.hub.sinks.journalEntries.deliver(
      [
        entry(`u1-${run}`, [
          ['cash', 100],
          ['sales', -90],
        ]),
        entry(`u2-${run}`, [
          ['cash', 100],
          ['unheard-of', -100],
        ]),
        entry(`u3-${run}`, [
          ['cash', 100],
          ['odd', -100],
        ]),
        entry(
          `u4-${run}`,
          [
            ['cash', 100],
            ['sales', -100],
          ],
          { journal: 'odd' },
        ),
      ],
      at.cx,
    );
    assert.match(rejection(results[0]).message, /does not balance.*0\.10/);
    assert.match(rejection(results[1]).message, /Mapping table 'accounts'.*'unheard-of'/);
    assert.match(rejection(results[2]).message, /no account '987654'/);
    assert.match(rejection(results[3]).message, /no journal 'NOPE'/);
    assert.equal(await count('account.move', [['ref', 'in', results.map((_, n) => `Z-u${n + 1}-${run}`)]]), 0);
  });
});
