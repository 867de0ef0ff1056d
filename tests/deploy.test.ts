import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { DockerfileParser } from 'dockerfile-ast';
import { validate } from 'dockerfile-utils';

const root = join(import.meta.dirname, '..');
const read = (name: string): string => readFileSync(join(root, name), 'utf8');

const text = read('Containerfile');
const file = DockerfileParser.parse(text);
const instructions = file.getInstructions();
const stages: string[][] = [];
for (const instruction of instructions) {
  if (instruction.getKeyword() === 'FROM') stages.push([]);
  stages.at(-1)?.push(instruction.getTextContent().replace(/\\\n\s*/g, ' '));
}
const last = stages.at(-1)!;
const only = (keyword: string): string => {
  const found = last.filter((line) => line.startsWith(`${keyword} `));
  assert.equal(found.length, 1, `one ${keyword} in the final stage`);
  return found[0]!.slice(keyword.length + 1);
};

test('the Containerfile is valid: syntax, instructions, flags, variables', () => {
  assert.deepEqual(
    validate(text).map(({ message, range }) => `${range.start.line + 1}: ${message}`),
    [],
  );
  const broken = validate('FROM a\nHEALTHCHECK --intervall=3s CMD x\n');
  assert.ok(broken.length > 0, 'the linter sees mistakes at all');
});

test('the image is built in stages on one base with a tag; nothing that builds reaches the last', () => {
  assert.ok(stages.length >= 3);
  const bases = file.getFROMs().map((from) => from.getImage());
  assert.deepEqual([...new Set(bases)], ['$' + '{BASE}']);
  const base = /^ARG BASE=(.+)$/m.exec(text)![1]!;
  assert.match(base, /^docker\.io\/library\/node:24-slim(@sha256:[0-9a-f]{64})?$/);
  assert.match(text, /FROM node:24-slim@sha256:/, 'the comment on pinning');
  assert.doesNotMatch(last.join('\n'), /apt-get|npm (ci|install|run)|tsc|curl|wget/);
  const copies = last.filter((line) => line.startsWith('COPY '));
  assert.deepEqual(
    copies,
    ['COPY --from=install --chown=root:root /app /app'],
    'owned by root: the hub cannot change itself',
  );
});

test('the container runs as a user with an entry, keeps its data in one volume, and says whether it is alive', () => {
  const [uid, gid] = only('USER').split(':');
  assert.ok(Number(uid) > 0 && Number(gid) > 0, 'by number, so that runAsNonRoot can be checked');
  assert.match(last.join('\n'), new RegExp(`useradd --uid ${uid} `), 'PostgreSQL needs an entry in the list of users');
  const user = last.findIndex((line) => line.startsWith('USER '));
  assert.ok(
    last.slice(user).every((line) => !line.startsWith('RUN ') && !line.startsWith('COPY ')),
    'nothing is made after the switch',
  );
  const home = /CROSSDOCK_HOME=(\S+)/.exec(text)![1];
  assert.equal(only('VOLUME'), home);
  const health = last.find((line) => line.startsWith('HEALTHCHECK '))!;
  assert.match(health, /\/healthz/);
  assert.match(health, /CMD \["node"/, 'no shell, no curl');
  const command = health.slice(health.indexOf('CMD [') + 4);
  assert.equal((JSON.parse(command) as string[]).length, 3);
  assert.deepEqual(JSON.parse(only('ENTRYPOINT')), ['node', '/app/bin/crossdock.mjs'], 'signals reach the hub itself');
  assert.deepEqual(JSON.parse(only('CMD')), ['start']);
  assert.doesNotMatch(text, /^(ENV|ARG)[^\n]*(KEY|TOKEN|SECRET|PASSWORD)/m, 'no secrets in the image');
});

test('what is built from leaves out data, keys and packages of a clone', () => {
  const ignored = read('.dockerignore').split('\n');
  for (const name of ['.git', '.crossdock', 'node_modules', 'dist', '**/.env*'])
    assert.ok(ignored.includes(name), name);
});

const analyze = spawnSync('systemd-analyze', ['--version']).status === 0;
const unit = 'deploy/crossdock.service';

test('the systemd unit is valid', { skip: analyze ? false : 'systemd-analyze is not installed' }, (t) => {
  if (!existsSync('/usr/bin/node')) return t.skip('the unit names /usr/bin/node, which is not here');
  const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', join(root, unit)], { encoding: 'utf8' });
  assert.equal(stdout + stderr, '');
  assert.equal(status, 0);
  const dir = mkdtempSync(join(tmpdir(), 'crossdock-unit-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const wrong = join(dir, 'crossdock.service');
  copyFileSync(join(root, unit), wrong);
  spawnSync('sed', ['-i', 's/^ProtectHome=/ProtectHomes=/', wrong]);
  assert.notEqual(
    spawnSync('systemd-analyze', ['verify', wrong], { encoding: 'utf8' }).stderr,
    '',
    'verify sees mistakes',
  );
});

test('the systemd unit is hardened: exposure at most 2.0', {
  skip: analyze ? false : 'systemd-analyze is not installed',
}, () => {
  const { status, stdout } = spawnSync(
    'systemd-analyze',
    ['security', '--offline=true', '--threshold=20', '--no-pager', join(root, unit)],
    { encoding: 'utf8' },
  );
  assert.equal(status, 0, stdout);
});

test('the systemd unit asks the hub alone to stop, keeps its data private and starts again after a failure', () => {
  const setting = (name: string): string | undefined => new RegExp(`^${name}=(.*)$`, 'm').exec(read(unit))?.[1];
  assert.equal(setting('KillMode'), 'mixed');
  assert.equal(setting('Restart'), 'on-failure');
  assert.equal(setting('RestartPreventExitStatus'), '2');
  assert.equal(setting('StateDirectory'), 'crossdock');
  assert.equal(setting('StateDirectoryMode'), '0700');
  assert.equal(setting('ProtectSystem'), 'strict');
  assert.match(setting('Environment')!, /CROSSDOCK_HOME=\/var\/lib\/crossdock/);
  assert.equal(setting('User'), 'crossdock');
});
