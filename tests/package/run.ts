// npm run test:package: the package as users get it. Takes minutes, and the npm registry (or a full cache). Ends with "N passed, N failed[, N skipped]".
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

const only = process.argv.slice(2);
const files = only.length > 0 ? only : globSync(join(import.meta.dirname, '*.test.ts')).sort();
const tally = { passed: 0, failed: 0, skipped: 0 };
await new Promise<void>((resolve) => {
  const stream = run({ files, concurrency: 1, execArgv: ['--conditions=source'] });
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
process.exit(failed === 0 && passed > 0 ? 0 : 1);
