import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { adopt } from './adopt.ts';
import { auditCheckpoint, auditVerify } from './audit.ts';
import { backup, restore } from './backup.ts';
import { check } from './check.ts';
import { listConnections, pauseConnection, resumeConnection } from './connections.ts';
import { demo } from './demo.ts';
import { erase } from './erase.ts';
import { dismiss, edit, list, retry, show } from './exceptions.ts';
import { reseal, rotateKey } from './key.ts';
import { exportMapping, importMapping, listMappings } from './mapping.ts';
import { migrateLedger } from './migrate.ts';
import { plan } from './plan.ts';
import { explain } from './print.ts';
import { replay } from './replay.ts';
import { retention } from './retention.ts';
import { simulate } from './sim.ts';
import { start } from './start.ts';
import { status } from './status.ts';
import { createTokenCommand, listTokensCommand, revokeTokenCommand, scopesHelp } from './token.ts';
import { trace } from './trace.ts';
import { version } from './version.ts';

const BAD_USE = 2;
const json = () => new Option('--json', 'print one JSON document to standard output');
const config = () =>
  new Option('--config <file>', 'the estate file (.ts, .mts, .mjs or .js)').default('crossdock.config.ts');
const reason = () =>
  new Option('--reason <words>', 'why; kept in the audit').makeOptionMandatory().argParser((words) => {
    if (words.trim() === '') throw new InvalidArgumentError('It is empty: say why, for the audit keeps it.');
    return words;
  });

const program = new Command('crossdock')
  .description('Retail integration hub with Odoo at the centre: everything crosses once, in order, provably.')
  .version(version)
  // Options belong to the command they follow: `sim odoo --version 19` means Odoo's.
  .enablePositionalOptions()
  .showSuggestionAfterError()
  .showHelpAfterError('(add --help for the options)')
  .configureHelp({ showGlobalOptions: true })
  .exitOverride();

program
  .command('demo')
  .description(
    'run the demo estate: hub, embedded PostgreSQL, and a simulated Odoo 19, Shopify shop, till and warehouse',
  )
  .option('--for <time>', 'stop by itself after this time, such as 60s, deliver the rest, verify and print the figures')
  .addOption(
    new Option(
      '--faults <how>',
      'how badly the systems behave: calm, rough (as on a bad day) or storm (each is away for a while)',
    )
      .choices(['calm', 'rough', 'storm'])
      .default('calm'),
  )
  .option('--rate <n>', 'orders a second in the shop', '1')
  .addOption(json())
  .addHelpText(
    'after',
    '\nExamples:\n  crossdock demo                     until Ctrl-C; the next start goes on where it stopped\n  crossdock demo --for 60s --json    one minute, then the verified figures\n  crossdock demo --for 2m --faults storm',
  )
  .action(demo);

program
  .command('start')
  .description('run the hub for an estate')
  .addOption(config())
  .option('--inbox <dir>', 'the folder that file sources read (CROSSDOCK_INBOX for the estate file)')
  .option('--keep', 'leave files in the inbox instead of moving them to done/')
  .option('--until-idle', 'stop when the sources are quiet and nothing is left that the hub could do by itself')
  .addOption(json())
  .addHelpText(
    'after',
    '\nExamples:\n  crossdock start\n  crossdock start --config examples/day-sales/crossdock.config.ts --inbox ./days --until-idle --json',
  )
  .action(start);

program
  .command('check')
  .description('check the estate without changing anything: settings, connectivity, rights, versions, Mapping tables')
  .addOption(config())
  .addOption(json())
  .action(check);

program
  .command('plan')
  .description('read live sources and show what would be written and what would go wrong; writes nothing anywhere')
  .addOption(config())
  .option('--flow <id>', 'one flow only')
  .option('--most <n>', 'records to look at per source', '1000')
  .option('--from-start', 'as if nothing had been read before, instead of from where the hub stands')
  .option('--inbox <dir>', 'the folder that file sources read (CROSSDOCK_INBOX for the estate file)')
  .option('--verbose', 'each document, field by field')
  .addOption(json())
  .addHelpText('after', '\nExample:\n  crossdock plan --flow web-orders --verbose')
  .action(plan);

program
  .command('adopt')
  .description(
    'match what both sides of a flow have already (barcode, SKU, e-mail, order number); shows first, binds with --yes',
  )
  .addOption(config())
  .requiredOption('--flow <id>', 'the flow')
  .option('--yes', 'bind what was matched, so that nothing is made twice')
  .option('--reason <words>', 'why; kept in the audit')
  .option('--verbose', 'each pair, and each key that only the source has')
  .addOption(json())
  .addHelpText('after', '\nExample:\n  crossdock adopt --flow web-products')
  .action(adopt);

program
  .command('replay')
  .description(
    'tell flows again what was heard, after a Mapping table or a flow was put right, by flow, time, key or cause: first what would change',
  )
  .option('--flow <id>', 'one flow only, instead of every one that was told what fits')
  .option('--from <moment>', 'heard from then on, such as 2026-11-25T08:00:00Z')
  .option('--to <moment>', 'heard before then')
  .option('--key <key>', 'a subject, or a number that people know a record by')
  .option('--cause <cause>', 'what an Exception of it was opened for, such as mapping-gap')
  .option('--yes', 'do it')
  .option('--reason <words>', 'why; kept in the audit')
  .addOption(config())
  .addOption(json())
  .addHelpText(
    'after',
    '\nExamples:\n  crossdock replay --flow web-orders --from 2026-11-25T08:00:00Z\n  crossdock replay --cause mapping-gap\n  crossdock replay --key 1001 --yes --reason "the tax table was wrong"',
  )
  .action(replay);

program
  .command('status')
  .description('what came in, what arrived, what waits, what stands as an Exception')
  .addOption(json())
  .action(status);

program
  .command('trace')
  .argument('<key>', 'an invoice or order number, a subject, or the id of an event, document, delivery or Exception')
  .description('where is it? every step in the life of a record')
  .addOption(json())
  .addHelpText('after', '\nExample:\n  crossdock trace 536365')
  .action(trace);

const exceptions = program.command('exceptions').description('what cannot go on without a person');
exceptions
  .command('list')
  .description('open Exceptions, oldest first: how old each is, when it is due, what money is at stake')
  .option('--cause <cause>', 'of this cause only, such as mapping-gap')
  .option('--flow <id>', 'of this flow only')
  .option('--connection <name>', 'of this connection only')
  .option('--owner <name>', 'that this person or team decides on')
  .addOption(json())
  .action(list);
exceptions
  .command('show')
  .argument('<id>', 'the id, or its last 12 characters')
  .description('one Exception with the record it holds')
  .addOption(json())
  .action(show);
exceptions
  .command('retry')
  .argument('<ids...>', 'one id or several, or their last 12 characters')
  .option('--answer <word>', 'the answer to what the flow asks, such as append, duplicate or pass')
  .addOption(reason())
  .addOption(config())
  .description('try again as it is')
  .action(retry);
exceptions
  .command('edit')
  .argument('<id>')
  .requiredOption('--set <pointer=json...>', 'fields to change, such as /lines/0/quantity=\'"2"\'')
  .addOption(reason())
  .addOption(config())
  .description('change the held record, then try again')
  .action(edit);
exceptions
  .command('dismiss')
  .argument('<ids...>')
  .option('--bound-to <id>', "the record is in the target already, under this id of the target's")
  .addOption(reason())
  .addOption(config())
  .description('decide that it shall not be done')
  .action(dismiss);

const mapping = program
  .command('mapping')
  .description('Mapping tables: codes of one side to codes of the other, versioned in the ledger');
mapping.command('list').description('all tables').addOption(json()).action(listMappings);
mapping
  .command('export')
  .argument('<table>')
  .option('--entity <name>', 'the entity', 'main')
  .description('print a table as CSV (code,target)')
  .action(exportMapping);
mapping
  .command('import')
  .argument('<file>', 'CSV with the columns code,target; the file name names the table unless --table does')
  .option('--table <name>', 'the table')
  .option('--entity <name>', 'the entity', 'main')
  .option('--owner <name>', 'who answers for it (kept when the table exists)')
  .addOption(reason())
  .description('write the next version of a table')
  .action(importMapping);

const connections = program.command('connections').description('the systems of the estate, as the hub knows them');
connections.command('list').description('all connections and their states').addOption(json()).action(listConnections);
connections
  .command('pause')
  .argument('<name>')
  .addOption(reason())
  .description('stop reading from and writing to it')
  .action(pauseConnection);
connections
  .command('resume')
  .argument('<name>')
  .addOption(reason())
  .description('go on where it stopped')
  .action(resumeConnection);

const token = program.command('token').description('who may use the HTTP API (docs/api.md)');
token
  .command('create')
  .description('make a token; it is shown once')
  .requiredOption('--name <name>', 'what it is for, such as warehouse-app; acts by it carry the name')
  .requiredOption('--scope <scopes...>', 'what it may do')
  .option('--entity <names...>', 'the entities it is for')
  .option('--all-entities', 'it is for every entity, those to come included')
  .option('--expires <time>', 'how long it lives, 1h to 730d', '90d')
  .addOption(json())
  .addHelpText(
    'after',
    `\nScopes:\n${scopesHelp()}\n\nExamples:\n  crossdock token create --name dashboards --scope read --all-entities\n  crossdock token create --name sales-ops --scope read exceptions:write --entity main --expires 30d\n  TOKEN=$(crossdock token create --name trial --scope read --entity main --expires 1h)`,
  )
  .action(createTokenCommand);
token
  .command('list')
  .description('tokens that work, newest first; never the tokens themselves')
  .option('--all', 'expired and revoked ones too')
  .addOption(json())
  .action(listTokensCommand);
token
  .command('revoke')
  .argument('<id>', 'the id, its last 12 characters, or the name')
  .addOption(reason())
  .description('end a token; every hub refuses it within 5 seconds')
  .action(revokeTokenCommand);

const audit = program.command('audit').description('the record of every decision');
audit
  .command('verify')
  .description('walk the sealed chain; exit code 1 when it is broken')
  .option('--against <file>', 'compare it with checkpoints that were kept outside')
  .option('--restored', 'the ledger was restored from a backup: checkpoints made after that backup are explained')
  .addOption(json())
  .action(auditVerify);
audit
  .command('checkpoint')
  .requiredOption('--out <dir>', 'a folder outside the hub’s machine, best one that can only be added to')
  .description('write down, signed, how far the chain has come')
  .addOption(json())
  .action(auditCheckpoint);

program
  .command('backup')
  .argument('<file>', 'a new file')
  .description('write the ledger as of this moment into a sealed file, while hubs run')
  .option('--replace', 'replace the file when it is there')
  .addOption(json())
  .addHelpText('after', '\nExample:\n  crossdock backup /backups/crossdock-$(date +%F).backup')
  .action(backup);

program
  .command('restore')
  .argument('<file>', 'a backup')
  .description('fill an empty ledger (a new CROSSDOCK_HOME or DATABASE_URL) from a backup; see docs/operations.md')
  .option('--key-file <file>', 'the master key the backup was made with, when it is not the one in use here')
  .option('--replace', 'give up what this same ledger holds; no hub may run on it')
  .option('--check', 'only read the backup from end to end')
  .addOption(json())
  .action(restore);

const key = program.command('key').description('the keys that the ledger is sealed with');
key
  .command('rotate')
  .description('a new master key and a new sealing key, while hubs run; then seal everything anew')
  .option('--new-key-file <file>', 'take this master key; needed where the present one is given from outside')
  .option('--no-reseal', 'leave what is sealed as it is; crossdock key reseal does it later')
  .addOption(json())
  .action(rotateKey);
key
  .command('reseal')
  .description('seal with the key in use whatever was sealed with an earlier one')
  .addOption(json())
  .action(reseal);

program
  .command('retention')
  .description('remove what is past its time, as a running hub does every day')
  .option('--dry-run', 'only say what would go')
  .addOption(config())
  .addOption(json())
  .action(retention);

program
  .command('erase')
  .description('take one person out of the ledger; without --yes it only says what that would be')
  .requiredOption('--reference <kind=value...>', 'what the person is known by, such as email=jane@example.org')
  .option('--entity <name>', 'in this entity only')
  .option('--yes', 'do it')
  .addOption(reason())
  .addOption(config())
  .addOption(json())
  .addHelpText(
    'after',
    '\nExample:\n  crossdock erase --reference email=jane@example.org --reason "request 2026-118"          what would go\n  crossdock erase --reference email=jane@example.org --reason "request 2026-118" --yes',
  )
  .action(erase);

program
  .command('sim')
  .argument('<system>', 'odoo, shopify, warehouse, till, store or medusa')
  .description('run a simulated system in the foreground, for tests and trials')
  .addOption(new Option('--version <n>', 'Odoo version').choices(['18', '19']).default('19'))
  .option('--port <n>', 'port on 127.0.0.1 (default: a free one)')
  .option(
    '--data <dir>',
    'keep its data in this folder (default: in memory; the warehouse works in ./warehouse, the till in ./inbox)',
  )
  .option('--currency <code>', 'currency of its company or shop', 'GBP')
  .option(
    '--rate <n>',
    'shopify, store and medusa: sales a second; till: invoices a second (1 where none is given)',
    '0',
  )
  .addOption(json())
  .addHelpText(
    'after',
    '\nExamples:\n  crossdock sim odoo --version 19 --json\n  crossdock sim shopify --data ./shop --rate 0.5\n  crossdock sim warehouse --data ./warehouse\n  crossdock sim till --data ./inbox --rate 2\n  crossdock sim store --rate 1\n  crossdock sim medusa --rate 0.2',
  )
  .action(simulate);

program
  .command('migrate')
  .description('bring the ledger to this release; forward only, safe while hubs run')
  .addOption(json())
  .action(migrateLedger);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : BAD_USE;
  else {
    process.stderr.write(`crossdock: ${explain(error)}\n`);
    process.exitCode = (error as { code?: string }).code === 'BAD_USE' ? BAD_USE : 1;
  }
}
