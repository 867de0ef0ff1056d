import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { World } from './world.ts';

const shared = join(import.meta.dirname, '..', '..', '..', 'shared');
const folder = join(shared, 'data', 'uci-online-retail');
const judgeProgram = join(shared, 'tools', 'day-sales-judge.mjs');

/** Whether days of real trading lie beside the project. */
export const realDaysPresent = (): boolean => existsSync(folder);

/** Their files, oldest first. */
export const realDays = (): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.csv'))
    .sort()
    .map((name) => join(folder, name));

/** The judge from outside the project, where it is present; code null where it is not. */
export async function askJudge(
  world: World,
  dropped: string,
  exceptions: unknown,
): Promise<{ code: number | null; said: string }> {
  if (!existsSync(judgeProgram)) return { code: null, said: 'not present' };
  const file = join(world.folder, 'exceptions.json');
  writeFileSync(file, JSON.stringify(exceptions));
  const { code, stdout, stderr } = await world.node([judgeProgram, dropped, file]).ended;
  return { code: code ?? 1, said: `${(stdout + stderr).trim().split('\n').slice(-8).join(' | ')}` };
}
