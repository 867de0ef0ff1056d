import type { Context, Item } from '../../../core/connector.ts';
import { FaultError } from '../../../core/fault.ts';
import type { Shipment } from '../../../model/shipment.ts';
import type { Odoo } from '../database.ts';

const words: Readonly<Record<Shipment['milestone'], string>> = {
  picked: 'picked',
  packed: 'packed',
  ready: 'ready to be collected',
  shipped: 'shipped',
  collected: 'collected',
  delivered: 'delivered',
};

const escaped = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

/**
 * A line in the notes of a transfer: which shipment reached which milestone, and when. It stands there once, however often it is told; what people wrote stays.
 * Not a message in the transfer's chatter: Odoo takes no key for one, and a repeat after a lost answer would be a second.
 */
export async function note(odoo: Odoo, { key, document }: Item<Shipment>, picking: number, cx: Context): Promise<void> {
  const read = async (): Promise<string> => {
    const [row] = await odoo.read('stock.picking', [['id', '=', picking]], ['note'], cx);
    return typeof row?.note === 'string' ? row.note : '';
  };
  const line = escaped(`${key} ${words[document.milestone]}`);
  const before = await read();
  if (before.includes(`${line} `)) return;
  const at = document.occurredAt.slice(0, 16).replace('T', ' ');
  const vals = { note: `${before}<p>${line} ${at} UTC</p>` };
  await odoo.call('stock.picking', 'write', { ids: [picking], args: [['vals', vals]] }, cx);
  if (!(await read()).includes(`${line} `))
    throw new FaultError({
      kind: 'transient',
      message: `the note of transfer ${picking} is not there after it was written`,
    });
}
