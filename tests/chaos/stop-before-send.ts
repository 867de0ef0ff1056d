// Preloaded into a hub (node --import): stops the process (SIGSTOP) in the last moment before it sends a request that writes, once each time that the file
// named by CHAOS_STOP_FILE appears. The worst moment there is: everything was checked, nothing was sent.
import { existsSync, unlinkSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { syncBuiltinESMExports } from 'node:module';

const flag = process.env.CHAOS_STOP_FILE;

/** Calls that write, by the end of their path. */
const writes = /\/(load|button_validate)$/;

function stopWhenAsked(to: unknown): void {
  if (flag === undefined || !writes.test(String(to)) || !existsSync(flag)) return;
  unlinkSync(flag);
  process.kill(process.pid, 'SIGSTOP');
}

const { fetch } = globalThis;
globalThis.fetch = (...given) => {
  stopWhenAsked(given[0]);
  return fetch(...given);
};

for (const library of [http, https]) {
  const request = library.request as (...given: unknown[]) => http.ClientRequest;
  library.request = ((...given: Parameters<typeof http.request>) => {
    const made = request(...given);
    stopWhenAsked(made.path);
    return made;
  }) as typeof http.request;
}
syncBuiltinESMExports();
