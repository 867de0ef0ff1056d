import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '../../src/core/clock.ts';
import { startOdooSimulator } from '../../src/simulators/odoo/index.ts';
import { openCustomers } from '../support/customers.ts';
import { testLedger } from '../support/hub.ts';
import { until } from '../support/target.ts';

const odoo = () => startOdooSimulator({ version: 19, seed: 1 });

test('what the shop refuses is told in words', async (t) => {
  const world = await openCustomers(await testLedger(t), { odoo });
  t.after(() => world.close());
  const [ada, ben] = [world.signUp('Ada Lovelace'), world.signUp('Ben Ode')];
  for (const one of [ada, ben])
    await until('the partner is there', async () => (await world.partners(one)).length > 0, 60);
  world.shop.changeCustomer(ben, { phone: '+32470000001' });
  await world.edit(ada, { phone: '0470 12 34 56' });
  await until('it is refused', async () => (await world.exceptions()).length === 1, 60);
  assert.match((await world.exceptions())[0]!, /Phone is invalid. Write it with its country, such as/);
  await world.edit(ben, { phone: '+32 470 00 00 02' });
  await until('the shop has the number', () => ben.phone === '+32470000002', 60);
  const cleo = world.signUp('Cleo Test');
  await until('the partner is there', async () => (await world.partners(cleo)).length > 0, 60);
  await world.edit(cleo, { phone: '+32 470 00 00 02' });
  await until('it is refused', async () => (await world.exceptions()).length === 2, 60);
  assert.ok((await world.exceptions()).some((words) => /^taken: .*Another customer of the shop has it/.test(words)));
  world.shop.deleteCustomer(ben.id);
  await world.edit(ben, { phone: '+32 470 00 00 03' });
  await until('it is gone', async () => (await world.exceptions()).length === 3, 60);
  assert.ok((await world.exceptions()).some((words) => /^gone: .*deleted there, or merged into another/.test(words)));
});

const NAMES = ['Ada', 'Ben', 'Cleo', 'Dirk', 'Eva', 'Finn', 'Gus', 'Hana'];
const STEPS = 90;

test('changes on both sides at once, lost answers, bad webhooks and killed hubs: no loop, and nobody’s word is undone', async (t) => {
  const world = await openCustomers(await testLedger(t), {
    odoo,
    lost: 0.15,
    shop: {
      faults: { cut: 0.08, broken: 0.05, throttled: 0.05 },
      webhooks: { lost: 0.2, twice: 0.2, late: 0.2, unsigned: 0.1 },
    },
  });
  t.after(() => world.close());
  const { shop } = world;
  const random = seeded(11);
  const customers = NAMES.map((name) => world.signUp(`${name} Test`));
  for (const one of customers)
    await until('the partner is there', async () => (await world.partners(one)).length > 0, 60);
  /** Of the second half people also write what is not their side's. */
  const strict = customers.slice(0, NAMES.length / 2);
  const last = new Map(customers.map((one) => [one, { email: one.email, phone: null as string | null }]));
  for (let step = 1; step <= STEPS; step++) {
    const one = customers[Math.floor(random() * customers.length)]!;
    const said = last.get(one)!;
    const stranger = !strict.includes(one) && random() < 0.3;
    if (random() < 0.5) {
      said.email = `v${step}@example.com`;
      shop.changeCustomer(one, { email: said.email, ...(stranger ? { phone: `+3290000${1000 + step}` } : {}) });
    } else {
      said.phone = `+3247000${1000 + step}`;
      await world.edit(one, { phone: said.phone, ...(stranger ? { email: `odoo${step}@example.com` } : {}) });
    }
    if (random() < 0.1) world.order(one, 'Somebody Else');
    if (step === 30 || step === 60) await world.abandon();
    await new Promise((resolve) => setTimeout(resolve, 20 + random() * 60));
  }
  const wrong = async (): Promise<string[]> => {
    const found: string[] = [];
    for (const one of customers) {
      const [partner, ...more] = await world.partners(one);
      const { email, phone } = last.get(one)!;
      if (more.length > 0) found.push(`${one.firstName}: ${more.length + 1} partners`);
      if (one.email !== email) found.push(`${one.firstName}: the shop's own address became ${one.email}, not ${email}`);
      if ((partner!.phone || null) !== phone)
        found.push(`${one.firstName}: Odoo's own number became ${partner!.phone}`);
      if (!strict.includes(one)) continue;
      if (partner!.email !== email) found.push(`${one.firstName}: Odoo has ${partner!.email}, not ${email}`);
      if (one.phone !== phone) found.push(`${one.firstName}: the shop has ${one.phone}, not ${phone}`);
    }
    return found;
  };
  await until('both sides agree', async () => (await wrong()).length === 0, 90).catch(async () =>
    assert.deepEqual(await wrong(), []),
  );
  await world.settled();
  const writes = () =>
    world.road.calls.filter(({ model, method }) => model === 'res.partner' && /write|load/.test(method)).length +
    world.requests.filter(({ operation }) => operation === 'SetCustomer').length;
  const before = writes();
  await new Promise((resolve) => setTimeout(resolve, 3000));
  assert.equal(writes(), before, 'they went on telling each other');
  const told = world.webhooks.sent.filter(({ topic }) => topic.startsWith('CUSTOMERS'));
  const faults = new Set(told.map(({ fault }) => fault));
  assert.deepEqual([...faults].sort(), ['late', 'lost', 'twice', 'unsigned', null].sort(), 'webhooks went wrong');
  assert.ok(told.some(({ statuses }) => statuses.includes(202)));
  assert.ok(before < STEPS * 4, `${before} writes for ${STEPS} changes`);
  assert.deepEqual(await wrong(), []);
  assert.deepEqual(await world.exceptions(), []);
});
