import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { idle, NoteDocument, noteHub, send, silent, testLedger } from '../../tests/support/hub.ts';
import { systemClock } from '../core/clock.ts';
import type { Sink } from '../core/connector.ts';
import { rejected } from '../core/fault.ts';
import { Metrics } from '../watch/metrics.ts';
import { startServer } from './index.ts';

const ledger = await testLedger();
after(() => ledger.db.close());

const sink: Sink<typeof NoteDocument> = {
  name: 'notes',
  accepts: NoteDocument,
  idempotency: 'overwrite',
  settle: 0,
  deadline: '5s',
  batch: { max: 1, onFailure: 'independent' },
  deliver: async (items) =>
    items.map(({ key, document }) =>
      document.n === 13
        ? { outcome: 'failed', fault: rejected('The target takes no <b>13</b>.', 'unlucky').fault }
        : { outcome: 'done', id: `t-${key}` },
    ),
};

test('what a running hub did stands on the page and in the metrics', async (t) => {
  const metrics = new Metrics({ version: '0.0.1' });
  const hub = noteHub(ledger, sink, { log: metrics.observe(silent) });
  await hub.start();
  t.after(() => hub.stop());
  for (const n of [100, 250, 13]) await send(hub, { id: `note-${n}`, n }, { labels: { note: `N${n}` } });
  await idle(hub);
  const env = { CROSSDOCK_METRICS_TOKEN: 'a-token-of-enough-length' };
  const server = await startServer({ hub, db: ledger.db, clock: systemClock, log: silent, metrics, port: 0, env });
  t.after(() => server.stop());

  assert.equal((await fetch(`${server.url}/readyz`)).status, 200);
  const token = new URL(server.signInLink).searchParams.get('token')!;
  const signedIn = await fetch(`${server.url}/sign-in`, {
    method: 'POST',
    body: new URLSearchParams({ token }),
    redirect: 'manual',
  });
  const page = await (
    await fetch(server.url, { headers: { cookie: signedIn.headers.get('set-cookie')!.split(';')[0]! } })
  ).text();
  assert.match(page, /1 Exception needs a person/);
  assert.match(page, /The target takes no &lt;b&gt;13&lt;\/b&gt;\./);
  assert.match(
    page,
    /data-title="Received">3\.63<.*data-title="Posted">3\.50<.*data-title="At an Exception">0\.13<.*<span>0\.00 /,
  );
  assert.match(page, /note N13 <span>unlucky/);

  const text = await (
    await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${env.CROSSDOCK_METRICS_TOKEN}` } })
  ).text();
  assert.match(text, /^crossdock_deliveries\{state="delivered"\} 2$/m);
  assert.match(text, /^crossdock_open_exceptions\{cause="unlucky"\} 1$/m);
  assert.match(text, /^crossdock_live_nodes 1$/m);
  assert.match(
    text,
    /^crossdock_delivery_attempts_total\{connection="target",sink="notes",outcome="delivered",fault="none"\} 2$/m,
  );
});
