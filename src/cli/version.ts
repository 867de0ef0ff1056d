import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** This release, from package.json (of a clone, or of the installed package around the compiled output). */
export const version: string = (() => {
  for (const up of ['../..', '../../..']) {
    try {
      const found = JSON.parse(readFileSync(join(import.meta.dirname, up, 'package.json'), 'utf8')) as {
        name?: string;
        version: string;
      };
      if (found.name === 'crossdock') return found.version;
    } catch {
      // not here: look further up
    }
  }
  return '0.0.0';
})();
