import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { HubError } from '../core/errors.ts';
import type { Estate } from '../core/estate.ts';

/** Loads an estate file: TypeScript or JavaScript that default-exports `defineEstate({…})`. One that is not there is looked for as .mts, .mjs and .js too. */
export async function loadEstate(file: string): Promise<Estate> {
  const path = find(resolve(file));
  if (path === null)
    throw new HubError('CONFIG_INVALID', `there is no estate file ${resolve(file)}`, {
      hint: 'name one with --config FILE; examples/day-sales/crossdock.config.ts of the package shows the shape',
    });
  let module: { default?: Estate };
  try {
    module = (await import(pathToFileURL(path).href)) as { default?: Estate };
  } catch (error) {
    if (error instanceof HubError) throw error;
    throw new HubError('CONFIG_INVALID', `the estate file ${path} could not be loaded: ${(error as Error).message}`, {
      ...(isCommonJs(error) ? { hint: COMMON_JS } : {}),
      cause: error,
    });
  }
  if (!module.default?.connections || !module.default.flows)
    throw new HubError('CONFIG_INVALID', `the estate file ${path} has no default export made by defineEstate`, {
      hint: 'export default defineEstate({ … })',
    });
  return module.default;
}

const find = (path: string): string | null =>
  [path, ...['.mts', '.mjs', '.js'].map((ending) => path.replace(/\.ts$/, ending))].find((name) => existsSync(name)) ??
  null;

/** A file that a package.json of type `commonjs` (npm's default) makes Node read as something without `import`. */
const isCommonJs = (error: unknown): boolean =>
  /Cannot use import statement outside a module|Unexpected token 'export'/.test((error as Error).message);

const COMMON_JS = 'the package.json beside it says CommonJS: run `npm pkg set type=module`, or rename the file to .mts';
