import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { HubError } from '../core/errors.ts';
import { startMedusa } from '../simulators/medusa/index.ts';
import { startRestStore } from '../simulators/rest-store.ts';
import { articles } from '../simulators/retailer/assortment.ts';
import { startTill } from '../simulators/till.ts';
import { environment, every, type SimOptions, type Simulated } from './sim-parts.ts';

/** Where a hub on this machine takes what a system pushes to `connection`, or undefined: then it reads for itself. */
function addressOf(connection: string, topic: string): string | undefined {
  const hub = process.env.CROSSDOCK_PUBLIC_URL;
  return hub ? `${hub.replace(/\/+$/, '')}/in/${connection}/${topic}` : undefined;
}

const pushing = (connection: string, topic: string): string =>
  `With CROSSDOCK_PUBLIC_URL=http://127.0.0.1:7070 it pushes to /in/${connection}/${topic} of a hub on this machine; without, the hub reads it now and then.`;

/** A till that drops files of a day's invoices into the folder `data`; `rate` invoices a second. */
export async function simulatedTill({ data = 'inbox', rate }: SimOptions): Promise<Simulated> {
  const folder = resolve(data);
  mkdirSync(folder, { recursive: true });
  const till = await startTill({ folder, seed: 1, rate: Number(rate) || 1, odd: 0.01 });
  return {
    facts: { folder },
    words: `Simulated till drops its files until Ctrl-C. For a hub (source \`csv\`, as in examples/day-sales):\n  ${environment({ CROSSDOCK_INBOX: folder })}`,
    stop: () => till.stop(),
  };
}

/** A store that speaks the store contract; `rate` sales a second. */
export async function simulatedStore({ port, data, rate }: SimOptions): Promise<Simulated> {
  if (data !== undefined) mkdirSync(data, { recursive: true });
  const token = 'store-simulated';
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  const store = await startRestStore({
    seed: 1,
    token,
    secret,
    ...(port === undefined ? {} : { port: Number(port) }),
    ...(data === undefined ? {} : { journal: join(data, 'store.ndjson') }),
  });
  const end = every(rate, () => void store.sell(addressOf('store', 'sales')).catch(() => undefined));
  const variables = { STORE_URL: store.url, STORE_TOKEN: token, STORE_SECRET: secret };
  return {
    facts: { url: store.url, token, secret },
    words: `Simulated store (store contract) runs until Ctrl-C. For a hub (connector \`restStore\`: url, token, signedWith):\n  ${environment(variables)}\n${pushing('store', 'sales')}`,
    stop: async () => {
      end();
      await store.stop();
    },
  };
}

/** A Medusa with the retailer's articles, 1,000 pieces of each; `rate` orders a second. It keeps nothing. */
export async function simulatedMedusa({ port, data, rate }: SimOptions): Promise<Simulated> {
  if (data !== undefined)
    throw new HubError('BAD_USE', 'the simulated Medusa keeps nothing from start to start', {
      hint: 'leave out --data',
    });
  const notices = `whsec_${Buffer.alloc(32, 3).toString('base64')}`;
  const medusa = await startMedusa({ secret: notices, ...(port === undefined ? {} : { port: Number(port) }) });
  const { shop, url, key } = medusa;
  const variants = articles.map(({ sku, title, price }) => {
    const product = shop.addProduct(title, [{ title: 'One', sku, price: price / 100, stock: 1000 }]);
    return product.variants[0]!.id;
  });
  let sold = 0;
  const end = every(rate, () => {
    const { id } = shop.place({ lines: [[variants[sold % variants.length]!, 1]] });
    sold += 1;
    const hub = addressOf('medusa', 'orders');
    if (hub) medusa.tell(hub, 'order.placed', id).catch(() => undefined);
  });
  const variables = { MEDUSA_URL: url, MEDUSA_KEY: key, MEDUSA_NOTICES: notices };
  return {
    facts: { url, key, notices, location: shop.location },
    words: `Simulated Medusa 2 runs until Ctrl-C; its place is ${shop.location}. For a hub (connector \`medusa\`: url, key, signedWith):\n  ${environment(variables)}\n${pushing('medusa', 'orders')}`,
    stop: async () => {
      end();
      await medusa.stop();
    },
  };
}
