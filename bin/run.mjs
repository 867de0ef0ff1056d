// Runs one of the project's own TypeScript scripts (tests, benchmarks, conformance) under a Node that can: node bin/run.mjs FILE [ARGS]
import { resolve } from 'node:path';
import { launch } from './launch.mjs';

const [script, ...args] = process.argv.slice(2);
await launch(resolve(script), args);
