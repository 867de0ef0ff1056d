#!/usr/bin/env node
// The `crossdock` command: TypeScript sources in a clone, compiled output in an installed package.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { launch, root } from './launch.mjs';

const source = join(root, 'src', 'cli', 'main.ts');
await launch(existsSync(source) ? source : join(root, 'dist', 'src', 'cli', 'main.js'), process.argv.slice(2));
