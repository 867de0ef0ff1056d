import { systemClock } from '../core/clock.ts';
import type { Estate } from '../core/estate.ts';
import { newId } from '../core/ids.ts';
import { Doorbell } from '../engine/doorbell.ts';
import { EraWatch } from '../engine/era.ts';
import { MappingBook } from '../engine/mappings.ts';
import { Names } from '../engine/names.ts';
import { defaultTerms, type Parts } from '../engine/parts.ts';
import { wire } from '../engine/wiring.ts';
import { secretReader } from '../guard/secrets.ts';
import { jsonLog } from '../watch/log.ts';
import type { OpenLedger } from './open.ts';

/** What the engine's parts are given by a command that runs no hub: it looks, and asks. */
export async function partsOf(estate: Estate, { db, vault }: Pick<OpenLedger, 'db' | 'vault'>): Promise<Parts> {
  const mappings = new MappingBook(db);
  await mappings.refresh();
  const wiring = wire(estate);
  return {
    estate,
    db,
    vault,
    mappings,
    wiring,
    names: new Names(vault, wiring),
    clock: systemClock,
    random: Math.random,
    log: jsonLog({ level: 'error' }),
    bell: new Doorbell(),
    era: new EraWatch(db, systemClock),
    terms: defaultTerms,
    node: newId(),
    secret: secretReader(process.env),
  };
}
