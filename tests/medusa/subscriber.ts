import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The subscriber that docs/connectors/medusa.md gives to shops: what is tested is what is written there. */
export const SUBSCRIBER = /```js\n(\/\/ src\/subscribers[\s\S]*?)```/.exec(
  readFileSync(join(import.meta.dirname, '../../docs/connectors/medusa.md'), 'utf8'),
)![1]!;
