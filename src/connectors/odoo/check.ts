import type { Context, Finding } from '../../core/connector.ts';
import { FaultError } from '../../core/fault.ts';
import type { Odoo } from './database.ts';
import { rowsOf } from './rows.ts';
import { supported } from './versions.ts';

const modules = ['sale', 'stock', 'account', 'sale_stock'];
const models = ['res.partner', 'product.product', 'sale.order', 'stock.picking', 'account.move'];
/** A key that ends sooner is worth a warning. */
const soon = 14 * 86_400_000;

const ok = (subject: string, message: string): Finding => ({ level: 'ok', subject, message });
const warning = (subject: string, message: string, hint: string): Finding => ({
  level: 'warning',
  subject,
  message,
  hint,
});
const error = (subject: string, message: string, hint: string): Finding => ({ level: 'error', subject, message, hint });

/** What `crossdock check` says of an Odoo: reachable, version, key, user, company, currency, warehouse, rights, modules. Reads only. */
export async function* check(odoo: Odoo, cx: Context): AsyncGenerator<Finding> {
  const { url, company, warehouse } = odoo.settings;
  const version = yield* tried('reachable', () => odoo.version(cx), 'look at url and network; is it Odoo at all?');
  if (!version) return;
  if (!version.dialect)
    return yield error('version', `Odoo ${version.version} is not supported`, `supported are ${supported}`);
  yield version.dialect.experimental
    ? warning('version', `Odoo ${version.version} is experimental`, `supported are ${supported}`)
    : ok('version', `Odoo ${version.version} by ${version.dialect.protocol.toUpperCase()}`);
  if (url.startsWith('http://') && !/^http:\/\/(localhost|127\.|\[::1\])/.test(url))
    yield warning('transport', 'the key travels unencrypted', 'use https');
  const user = yield* tried(
    'key',
    () => odoo.introduction(cx),
    'look at database and login, else make a new API key of scope rpc',
  );
  if (!user) return;
  yield ok('key', 'the key is accepted');
  const home = yield* tried(
    'company',
    () => odoo.company(cx),
    "name the company in the estate file: odoo({ company: '…' })",
  );
  if (!home) return;
  yield company === undefined
    ? warning(
        'company',
        `${home.name}, the user's only one`,
        'name it in the estate file, lest a second one stop the hub',
      )
    : ok('company', `${home.name}, keeps ${home.currency.name}`);
  yield* keyExpiry(odoo, user.uid, cx);
  yield* userMail(odoo, user.uid, cx);
  yield* installed(odoo, cx);
  yield* rights(odoo, cx);
  const found = yield* tried('warehouse', () => odoo.warehouse(cx), 'create it in Odoo or correct the code');
  const all = found ? await odoo.warehouses(cx) : [];
  if (found)
    yield warehouse === undefined && all.length > 1
      ? warning('warehouse', `${found.code}, the first of ${all.length}`, "name it: odoo({ warehouse: 'CODE' })")
      : ok('warehouse', found.code);
  const precision = yield* tried('decimals', () => odoo.precision(cx), 'the user must be allowed to read sale orders');
  if (precision)
    yield precision.price !== null && precision.price < 3
      ? warning(
          'decimals',
          `Odoo rounds unit prices to ${precision.price} decimals`,
          'prices with more are refused; raise Decimal Accuracy › Product Price if your channels have such',
        )
      : ok(
          'decimals',
          `unit prices: ${precision.price ?? 'not rounded'}, quantities: ${precision.quantity ?? 'not told'}`,
        );
  yield ok(
    'workers',
    'whether Odoo runs with workers cannot be seen from outside; it should, with limit_time_real below the timeout here',
  );
}

/** Runs a step; a Fault becomes a Finding and null. */
async function* tried<T>(subject: string, step: () => Promise<T>, hint: string): AsyncGenerator<Finding, T | null> {
  try {
    return await step();
  } catch (thrown) {
    if (!(thrown instanceof FaultError)) throw thrown;
    yield error(subject, thrown.fault.message, hint);
    return null;
  }
}

async function* keyExpiry(odoo: Odoo, uid: number, cx: Context): AsyncGenerator<Finding> {
  try {
    const rows = await odoo.read('res.users.apikeys', [['user_id', '=', uid]], ['expiration_date'], cx);
    const now = cx.clock.now().getTime();
    const ends = rows
      .flatMap((row) =>
        typeof row.expiration_date === 'string' ? [Date.parse(`${row.expiration_date.replace(' ', 'T')}Z`)] : [],
      )
      .filter((end) => end > now)
      .sort((a, b) => a - b);
    const last = ends.at(-1);
    if (last === undefined) return yield ok('key expiry', 'no key of the user has an expiry date');
    const day = new Date(last).toISOString().slice(0, 10);
    // Which of several keys is ours cannot be told: the last to end is the best case.
    yield last - now < soon
      ? warning('key expiry', `the key ends on ${day} at the latest`, 'make a new one in time')
      : ok('key expiry', `${day} at the latest`);
  } catch (thrown) {
    if (!(thrown instanceof FaultError)) throw thrown;
    yield warning(
      'key expiry',
      'cannot be read',
      'note the date and renew in time: keys of internal users end after 90 days by default',
    );
  }
}

async function* userMail(odoo: Odoo, uid: number, cx: Context): AsyncGenerator<Finding> {
  const [row] = rowsOf(await odoo.call('res.users', 'read', { ids: [uid], args: [['fields', ['email']]] }, cx));
  yield row?.email
    ? ok('user', 'has an e-mail address')
    : error('user', 'the Odoo user has no e-mail address', 'give it one: without it posting and validating fail');
}

async function* installed(odoo: Odoo, cx: Context): AsyncGenerator<Finding> {
  try {
    const rows = await odoo.read(
      'ir.module.module',
      [
        ['name', 'in', modules],
        ['state', '=', 'installed'],
      ],
      ['name'],
      cx,
    );
    const missing = modules.filter((name) => !rows.some((row) => row.name === name));
    yield missing.length === 0
      ? ok('modules', modules.join(', '))
      : error('modules', `not installed: ${missing.join(', ')}`, 'install them in Odoo › Apps');
  } catch (thrown) {
    if (!(thrown instanceof FaultError)) throw thrown;
    yield ok('modules', 'the user may not list them; what is missing shows under rights');
  }
}

async function* rights(odoo: Odoo, cx: Context): AsyncGenerator<Finding> {
  for (const model of models) {
    const subject = `rights ${model}`;
    const hint = 'give the user the roles Sales, Inventory and Accounting (see docs); is the module installed?';
    const may = yield* tried(
      subject,
      async () => (await odoo.may(model, 'create', cx)) && (await odoo.may(model, 'write', cx)),
      hint,
    );
    if (may === true) yield ok(subject, 'may create and change');
    if (may === false) yield error(subject, 'may not create and change', hint);
  }
}
