import { HubError } from '../core/errors.ts';
import { type MaskScope, maskedKinds, maskNames } from '../ledger/masking.ts';
import { isPersonal } from './names.ts';
import type { Parts } from './parts.ts';
import { shardOf, type Wiring } from './wiring.ts';

/**
 * Before a hub does anything: what the estate declares as personal names stands as digests in the ledger from now on, what is there already included.
 * Throws HubError CONFLICT while other hubs would still write names, and CONFIG_INVALID for keys that are no longer declared personal.
 */
export async function prepareNames({
  db,
  vault,
  names,
  wiring,
}: Pick<Parts, 'db' | 'vault' | 'names' | 'wiring'>): Promise<void> {
  await maskNames(db, vault, scopesOf(wiring), shardOf);
  const kinds = await maskedKinds(db);
  for (const kind of kinds) {
    const type = wiring.type(kind);
    if (type && !isPersonal(type))
      throw new HubError('CONFIG_INVALID', `this ledger keeps digests in place of the keys of '${kind}'`, {
        hint: `give its document keyClassification: 'personal' again: what was masked cannot be made plain`,
      });
  }
  names.remember(kinds);
}

function scopesOf({ types, sources }: Wiring): MaskScope[] {
  const keys = types.filter(isPersonal).map(({ name }): MaskScope => ({ what: 'key', kind: name }));
  return [
    ...keys,
    ...sources.flatMap(({ connection, source, flows }): MaskScope[] => {
      const where = { connection, source: source.name, flows: flows.map(({ id }) => id) };
      const { subject = false, labels = [] } = source.personal ?? {};
      return [
        ...(subject ? [{ what: 'subject' as const, ...where }] : []),
        ...labels.map((label) => ({ what: 'label' as const, ...where, label })),
      ];
    }),
  ];
}
