/**
 * Holds what is sent to Shopify, and the simulated shop, against the schema that Shopify publishes: `npm run conform:shopify`. Fetches that schema
 * with npm when it is not there (14 MB, kept in node_modules/.cache). `npm test` runs these tests too, and skips them where it cannot be fetched.
 */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fetchRealSchema } from '../shopify/real-schema.ts';

fetchRealSchema(600_000);
const tally = { passed: 0, failed: 0, skipped: 0 };
await new Promise<void>((resolve) => {
  const files = globSync(join(import.meta.dirname, '../shopify/*schema*.test.ts')).sort();
  const stream = run({ files, concurrency: 1, forceExit: true, execArgv: ['--conditions=source'] });
  const isFile = (data: { name: string; nesting: number }) => data.nesting === 0 && data.name.endsWith('.test.ts');
  stream.on('test:pass', (data) => {
    if (isFile(data)) return;
    if (data.skip === undefined) tally.passed += 1;
    else tally.skipped += 1;
  });
  stream.on('test:fail', () => {
    tally.failed += 1;
  });
  stream.on('end', () => resolve());
  stream.compose(new spec()).pipe(process.stdout, { end: false });
});
const { passed, failed, skipped } = tally;
process.stdout.write(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
process.exit(failed === 0 && skipped === 0 && passed > 0 ? 0 : 1);
