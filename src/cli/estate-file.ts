import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { HubError } from '../core/errors.ts';
import type { Estate } from '../core/estate.ts';

/** Loads an estate file: TypeScript or JavaScript that default-exports `defineEstate({…})`. */
export async function loadEstate(file: string): Promise<Estate> {
  const path = resolve(file);
  if (!existsSync(path))
    throw new HubError('CONFIG_INVALID', `there is no estate file ${path}`, {
      hint: 'name one with --config FILE; examples/day-sales/crossdock.config.ts shows the shape',
    });
  let module: { default?: Estate };
  try {
    module = (await import(pathToFileURL(path).href)) as { default?: Estate };
  } catch (error) {
    if (error instanceof HubError) throw error;
    throw new HubError('CONFIG_INVALID', `the estate file ${path} could not be loaded: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (!module.default?.connections || !module.default.flows)
    throw new HubError('CONFIG_INVALID', `the estate file ${path} has no default export made by defineEstate`, {
      hint: 'export default defineEstate({ … })',
    });
  return module.default;
}
