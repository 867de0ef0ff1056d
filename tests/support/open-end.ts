// Preloaded into each test file by tests/run.ts. Node's runner waits for a file's process for good, and shows nothing of the files after it.
// One that stays open says what keeps it, and ends. One whose tests are over says each second in a file that it lives: Node may hang when a process
// ends (nodejs/node#54918), and then nobody in it can say or do anything.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import { isMainThread } from 'node:worker_threads';

const { CROSSDOCK_TEST_FILE_SECONDS: seconds, CROSSDOCK_TEST_ENDS: ends } = process.env;
if (seconds && isMainThread)
  setTimeout(() => {
    process.stderr.write(`still open after ${seconds} s: ${process.getActiveResourcesInfo().join(', ')}\n`);
    process.exit(1);
  }, Number(seconds) * 1000).unref();
if (ends && isMainThread) {
  const tell = (code: number): void =>
    writeFileSync(join(ends, String(process.pid)), JSON.stringify({ file: process.argv[1], code }));
  after(() => {
    tell(0);
    setInterval(tell, 1000, 0).unref();
  });
  process.once('exit', tell);
}
