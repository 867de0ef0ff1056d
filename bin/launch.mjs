// Finds a Node that runs TypeScript sources directly (24 or newer) and starts a script with it.
// Plain JavaScript on purpose: it must run on the oldest Node that people have installed (20).
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const NEEDED = 24;
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The path of a Node of at least version 24: the running one, else the platform package that the lock file pins; null when there is neither. */
export function findNode() {
  if (Number(process.versions.node.split('.')[0]) >= NEEDED) return process.execPath;
  const os = process.platform === 'win32' ? 'win' : process.platform;
  const file = process.platform === 'win32' ? 'node.exe' : 'node';
  for (let dir = root; ; dir = dirname(dir)) {
    const candidate = join(dir, 'node_modules', `node-${os}-${process.arch}`, 'bin', file);
    if (existsSync(candidate)) return candidate;
    if (dir === dirname(dir)) return null;
  }
}

/**
 * Runs `script` (a path) with `args` under a Node 24 or newer: in this process when it can, else in a child that shares our terminal,
 * gets our signals, ends when we do (also when we are killed) and whose exit code becomes ours.
 */
export async function launch(script, args) {
  const node = findNode();
  if (!node) {
    console.error(
      `Crossdock needs Node ${NEEDED} or newer; this is ${process.version}, and there is no packaged Node for ${process.platform}-${process.arch}.\n` +
        `Install Node ${NEEDED} from your package manager or nodejs.org, then run the command again.`,
    );
    process.exit(1);
  }
  // In a clone the package is imported by its own name from its sources; that takes a flag, so also a new enough Node starts a child.
  const flags = existsSync(join(root, 'src')) ? ['--conditions=source'] : [];
  if (node === process.execPath && flags.every((flag) => process.execArgv.includes(flag))) {
    process.argv = [process.argv[0], script, ...args];
    await import(pathToFileURL(script).href);
    return;
  }
  const child = spawn(node, [...flags, script, ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  // A Windows console gives Ctrl-C to all its processes itself, and `kill` ends a process there at once: we only stay until the child has stopped.
  const pass = process.platform === 'win32' ? () => undefined : (signal) => child.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, pass);
  child.on('error', (error) => {
    console.error(`Crossdock could not start ${node}: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
}
