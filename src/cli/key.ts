import { join } from 'node:path';
import { systemClock } from '../core/clock.ts';
import { HubError } from '../core/errors.ts';
import { keyFile, pendingMasterKey, promoteMasterKey } from '../guard/master-key.ts';
import { appendAudit } from '../ledger/audit.ts';
import { activateKey, announceKey, endHandover, hubKeys, resealAll } from '../ledger/keys.ts';
import { actor } from './mapping.ts';
import { type OpenLedger, withLedger } from './open.ts';
import { printJson, type Say, sayTo } from './print.ts';

const PATIENCE_MS = 60_000;

interface RotateOptions {
  newKeyFile?: string;
  reseal?: boolean;
  json?: boolean;
}

/**
 * A new master key and a new sealing key, while hubs run; then everything is sealed anew. Each step may be broken off: the same command goes on where it
 * stopped.
 */
export async function rotateKey({ newKeyFile, reseal = true, json = false }: RotateOptions): Promise<void> {
  const say = sayTo(json);
  await withLedger(async (ledger) => {
    const { db, vault, master, home } = ledger;
    const own = master.from === join(home, 'master.key');
    if (!own && newKeyFile === undefined)
      throw new HubError('BAD_USE', `the master key is given by ${master.from}, which this command cannot change`, {
        hint: 'make a new one (openssl rand -base64 32 > FILE, chmod 600) and repeat with --new-key-file FILE',
      });
    const after = newKeyFile === undefined ? pendingMasterKey(home) : keyFile(newKeyFile).key;
    const id = await announceKey(db, { before: master.key, after }, actor());
    if (own && newKeyFile === undefined) {
      const { kept } = promoteMasterKey(home, systemClock.now());
      say(
        `The new master key is in ${master.from}: keep a copy in a safe place. The one before is in ${kept}: backups made until now open with it.`,
      );
    } else
      say(
        `The ledger opens with the key in ${newKeyFile} from now on: give that one to every hub before its next start. Running hubs go on.`,
      );
    await until('all running hubs have the new sealing key', say, async () =>
      (await hubKeys(db)).every(({ keys }) => keys?.known.includes(id)),
    );
    await activateKey(db, id, actor());
    await vault.refresh(db);
    await until('all running hubs use it', say, async () =>
      (await hubKeys(db)).every(({ keys }) => keys?.sealing === id),
    );
    const rows = reseal ? await sealAnew(ledger, say) : 0;
    await endHandover(db);
    if (json) printJson({ key: id, resealed: rows });
    else say(`Sealing key ${id} is in use.`);
  }, say);
}

/** Seals with the key in use whatever was sealed with an earlier one; needed after `rotate --no-reseal`, or when one was broken off. */
export async function reseal({ json = false }: { json?: boolean }): Promise<void> {
  const say = sayTo(json);
  await withLedger(async (ledger) => {
    const rows = await sealAnew(ledger, say);
    if (json) printJson({ key: ledger.vault.keys.sealing, resealed: rows });
  }, say);
}

async function sealAnew({ db, vault }: OpenLedger, say: Say): Promise<number> {
  let told = performance.now();
  const rows = await resealAll(db, vault, (count, table) => {
    if (performance.now() - told < 5000) return;
    told = performance.now();
    say(`${count} values sealed anew; now ${table}`);
  });
  await appendAudit(db, [
    { entity: '*', actor: actor(), action: 'key.resealed', object: `data-key:${vault.keys.sealing}`, detail: { rows } },
  ]);
  say(`${rows} values were sealed anew with key ${vault.keys.sealing}.`);
  return rows;
}

async function until(what: string, say: Say, condition: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  for (let waited = 0; !(await condition()); waited++) {
    if (performance.now() > end)
      throw new HubError('CONFLICT', `not within a minute: ${what}`, {
        hint: 'a hub of an older release must be stopped; then repeat the command, it goes on where it stopped',
      });
    if (waited === 4) say(`Waiting until ${what} …`);
    await systemClock.sleep(500);
  }
}
