import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type OdooConnection, odoo } from '../../src/connectors/odoo/index.ts';
import type { ContactRecord } from '../../src/connectors/odoo/sources/contacts.ts';
import { odooContacts } from '../../src/flows/customers.ts';
import type { Customer } from '../../src/model/customer.ts';
import { done, item, lookWith, type People, people, readAll } from './estate.ts';
import { accessTo, type OdooServer, servers } from './servers.ts';

/** What the connector tells of partners that people change. Simulators of 18 and 19, or the real server that the environment names. */
for (const { name, start } of servers)
  describe(`contacts: ${name}`, () => {
    let server: OdooServer;
    let at: People;
    let hub: OdooConnection;

    before(async () => {
      server = await start();
      at = await people(server);
      hub = odoo(accessTo(server));
    });
    after(() => server?.stop());

    const told = async (cursor: string | null, id: number) => {
      const read = await readAll<ContactRecord>(hub.sources.contacts, cursor, at.cx);
      const found = read.natives.filter((one) => one.id === id);
      return { cursor: read.cursor, found, contact: found.at(-1) && { ...found.at(-1)!, version: '' } };
    };
    const partner = (more: Record<string, unknown>) => at.create('res.partner', { name: `Eva ${at.run}`, ...more });

    it('tell name, e-mail address and number as people wrote them, and what is empty as empty', async () => {
      const { cursor } = await told(null, 0);
      const id = await partner({ ref: `C1-${at.run}`, email: ' Eva@Example.com ', phone: '0470/12.34.56' });
      let read = await told(cursor, id);
      assert.deepEqual(read.contact, {
        id,
        version: '',
        name: `Eva ${at.run}`,
        email: 'Eva@Example.com',
        phone: '0470/12.34.56',
      });
      await at.write('res.partner', id, { phone: '', email: false });
      read = await told(read.cursor, id);
      assert.deepEqual([read.contact?.phone, read.contact?.email], [null, null]);
      await at.write('res.partner', id, { active: false });
      assert.deepEqual((await told(read.cursor, id)).found, [], 'not in use any more');
    });

    it('pass over partners without a number, who are nobody’s customers', async () => {
      const { cursor } = await told(null, 0);
      const id = await partner({ email: 'supplier@example.com' });
      assert.deepEqual((await told(cursor, id)).found, []);
      await at.write('res.partner', id, { ref: `C2-${at.run}` });
      assert.equal((await told(cursor, id)).found.length, 1);
    });

    it('come back as they were written: an echo that can be known', async () => {
      const { cursor } = await told(null, 0);
      const key = `web:${at.run}`;
      const customer: Customer = {
        id: key,
        number: `C3-${at.run}`,
        name: 'Zoë d’Arc',
        country: 'BE',
        email: 'Zoe@Example.com',
        phone: '+32 (0)470 12-34',
      };
      const [result] = await hub.sinks.customers.deliver([item(key, customer)], at.cx);
      const id = Number(done(result).id);
      const { contact } = await told(cursor, id);
      assert.deepEqual(
        [contact?.name, contact?.email, contact?.phone],
        [customer.name, customer.email, customer.phone],
      );
      const flow = odooContacts({
        from: hub.sources.contacts,
        to: { customer: hub.sinks.customers },
        sold: (one) => one.startsWith('web:'),
        owners: { name: 'odoo', email: 'odoo' },
      });
      const look = lookWith({
        keys: { [`customer ${id}`]: key },
        documents: { [`customer ${key}`]: customer },
      });
      const [draft] = (await flow.translate({ ...contact!, version: '' }, look as never)).documents;
      assert.deepEqual(draft?.body, customer);
      const stranger = lookWith({
        keys: { [`customer ${id}`]: 'shop2:1' },
        documents: { 'customer shop2:1': customer },
      });
      assert.deepEqual((await flow.translate({ ...contact!, version: '' }, stranger as never)).documents, []);
    });

    it('empty nothing when they are first heard of, and do so from then on', async () => {
      const customer: Customer = {
        id: 'web:1',
        number: '1',
        name: 'A',
        country: null,
        email: 'a@b.example',
        phone: '+321',
      };
      const flow = odooContacts({
        from: hub.sources.contacts,
        to: { customer: hub.sinks.customers },
        sold: () => true,
      });
      const look = lookWith({ keys: { 'customer 1': 'web:1' }, documents: { 'customer web:1': customer } });
      const record: ContactRecord = { id: 1, version: '', name: 'B', email: 'c@d.example', phone: null };
      const first = await flow.translate(record, look as never);
      assert.deepEqual(first.documents[0]?.body, customer);
      const then = await flow.translate(record, { ...look, memory: first.memory! } as never);
      assert.deepEqual(then.documents[0]?.body, { ...customer, phone: null });
      const guest = lookWith({
        keys: { 'customer 1': 'web:1' },
        documents: { 'customer web:1': { ...customer, number: null } },
      });
      assert.deepEqual((await flow.translate(record, guest as never)).documents, []);
    });
  });
