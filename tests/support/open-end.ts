// Preloaded into each test file by tests/run.ts. Node's runner waits for a file's process for good, and shows nothing of the files after it.
// One that stays open says what keeps it, and ends.
const seconds = Number(process.env.CROSSDOCK_TEST_FILE_SECONDS);
setTimeout(() => {
  process.stderr.write(`still open after ${seconds} s: ${process.getActiveResourcesInfo().join(', ')}\n`);
  process.exit(1);
}, seconds * 1000).unref();
