import { existsSync, mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { HubError } from '../core/errors.ts';
import { keepMasterKey, keyFile, type MasterKey, presentMasterKey } from '../guard/master-key.ts';
import { backupOpensWith, checkBackup, readBackup } from '../ledger/backup/read.ts';
import { writeBackup } from '../ledger/backup/write.ts';
import { Database } from '../ledger/database.ts';
import { jsonLog } from '../watch/log.ts';
import { actor } from './mapping.ts';
import { homeFolder, serverUrl, withLedger } from './open.ts';
import { printJson, sayTo, size } from './print.ts';
import { version } from './version.ts';

/** Writes the ledger as of this moment into a sealed file, while hubs run. */
export async function backup(
  file: string,
  { json = false, replace = false }: { json?: boolean; replace?: boolean },
): Promise<void> {
  const say = sayTo(json);
  await withLedger(async ({ db, master }) => {
    const report = await writeBackup(db, resolve(file), { master: master.key, release: version, replace });
    const rows = Object.values(report.rows).reduce((a, b) => a + b, 0);
    if (json) printJson({ file: resolve(file), ...report });
    else {
      say(
        `${resolve(file)}: the ledger as of ${report.manifest.at}, ${rows} rows in ${report.manifest.tables.length} tables, ${size(report.size)}, in ${report.seconds.toFixed(1)} s.`,
      );
      say(
        'It opens with the master key only: keep a copy of that key elsewhere. Keep what sources hold (inboxes’ done/ folders) at least until the next backup.',
      );
    }
  }, say);
}

interface RestoreOptions {
  json?: boolean;
  replace?: boolean;
  check?: boolean;
  keyFile?: string;
}

/** Fills an empty ledger (a new home folder or an empty database) from a backup. */
export async function restore(file: string, options: RestoreOptions): Promise<void> {
  const { json = false, replace = false } = options;
  const say = sayTo(json);
  const home = homeFolder();
  const key = await keyFor(file, home, options);
  if (options.check) {
    const { manifest, rows } = await checkBackup(file, key.opens);
    if (json) printJson({ file: resolve(file), manifest, rows });
    else
      say(
        `${resolve(file)} is whole: ledger ${manifest.ledger} as of ${manifest.at}, Crossdock ${manifest.crossdock}, PostgreSQL ${manifest.postgres}.`,
      );
    return;
  }
  mkdirSync(home, { recursive: true });
  const { url, postgres } = await serverUrl(home, { own: false, log: jsonLog({ level: 'warn' }) });
  const db = Database.open(url);
  try {
    const report = await readBackup(db, file, {
      master: key.opens,
      actor: actor(),
      replace,
      ...(key.rewrap ? { rewrap: key.rewrap } : {}),
    });
    if (key.keep) keepMasterKey(home, key.opens);
    const rows = Object.values(report.rows).reduce((a, b) => a + b, 0);
    if (json) printJson(report);
    else
      say(
        `Restored: the ledger as of ${report.manifest.at}, ${rows} rows, in ${report.seconds.toFixed(1)} s${report.applied.length > 0 ? `; then migrated: ${report.applied.join(', ')}` : ''}.\nAt the next start the hub reads its sources again and asks the targets before it sends. Decisions on Exceptions made after that moment have to be made again.`,
      );
  } finally {
    await db.close();
    await postgres?.stop();
  }
}

interface RestoreKey {
  /** The key that opens the backup. */
  opens: Buffer;
  /** The key that the restored ledger is to open with, where it is another one. */
  rewrap?: Buffer;
  /** True when the home has no key yet and is to keep this one. */
  keep: boolean;
}

/** Finds the key before anything is touched. Throws HubError MASTER_KEY in words that name the cure. */
async function keyFor(file: string, home: string, options: RestoreOptions): Promise<RestoreKey> {
  if (!existsSync(file)) throw new HubError('BAD_USE', `there is no file ${file}`);
  const present = presentMasterKey({ home, env: process.env });
  const named: MasterKey | null = options.keyFile === undefined ? null : keyFile(resolve(options.keyFile));
  if (present && (await backupOpensWith(file, present.key))) return { opens: present.key, keep: false };
  if (named && (await backupOpensWith(file, named.key)))
    return { opens: named.key, keep: present === null, ...(present ? { rewrap: present.key } : {}) };
  if (!present && !named)
    throw new HubError(
      'MASTER_KEY',
      'there is no master key here, and a backup opens only with the one it was made with',
      {
        hint: `put the copy you kept into ${home}/master.key, set CROSSDOCK_KEY or CROSSDOCK_KEY_FILE, or name it with --key-file; nothing was changed`,
      },
    );
  throw new HubError(
    'MASTER_KEY',
    `this backup was made with another master key than ${named ? `${named.from} holds` : `${present!.from} holds`}`,
    {
      hint: 'name the file with the key that was in use when it was made with --key-file; nothing was changed',
    },
  );
}
