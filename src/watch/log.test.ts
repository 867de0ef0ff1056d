import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { jsonLog, levelOf, neverPrinted } from './log.ts';

const now = () => new Date('2026-01-02T03:04:05.678Z');

function logged(fields: Record<string, unknown>, message = 'm'): { line: string; record: Record<string, unknown> } {
  const lines: string[] = [];
  jsonLog({ level: 'debug', write: (line) => lines.push(line), now }).info(message, fields);
  assert.equal(lines.length, 1);
  return { line: lines[0]!, record: JSON.parse(lines[0]!) as Record<string, unknown> };
}

test('one line: time, level, message, then the fields', () => {
  assert.equal(
    logged({ connection: 'till', lines: 3 }, 'files read').line,
    '{"time":"2026-01-02T03:04:05.678Z","level":"info","message":"files read","connection":"till","lines":3}\n',
  );
});

test('a level leaves out what is below it; silent leaves out everything', () => {
  for (const [level, expected] of [
    ['debug', ['debug', 'info', 'warn', 'error']],
    ['warn', ['warn', 'error']],
    ['silent', []],
  ] as const) {
    const lines: string[] = [];
    const log = jsonLog({ level, write: (line) => lines.push(JSON.parse(line).level) });
    for (const name of ['debug', 'info', 'warn', 'error'] as const) log[name]('m');
    assert.deepEqual(lines, expected);
  }
});

test('CROSSDOCK_LOG: known words in any case, else an error that lists them', () => {
  assert.equal(levelOf(undefined), 'info');
  assert.equal(levelOf('', 'error'), 'error');
  assert.equal(levelOf(' WARN '), 'warn');
  assert.throws(() => levelOf('loud'), { code: 'CONFIG_INVALID', hint: /debug, info, warn, error, silent/ });
});

test('no value starts a line of its own, obeys a terminal or turns the text round', () => {
  const nasty = 'a\r\n{"level":"error"}\u0000\u001b[2J\u007f\u0085\u009b\u2028\u2029\u202e\u2066\ufeff\ud800';
  const { line, record } = logged({ [nasty]: nasty }, nasty);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: controls are what must not be there
  assert.doesNotMatch(line.slice(0, -1), /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]/);
  assert.equal(record.message, nasty);
});

test('any text stays one line that reads back', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      const { line, record } = logged({ text: `x${text}` }, 'm');
      assert.equal(line.indexOf('\n'), line.length - 1);
      assert.equal(typeof record.text, 'string');
    }),
  );
});

test('declared names are withheld at any depth and in any spelling', () => {
  const canary = 'canary-4711';
  const fields = Object.fromEntries(neverPrinted.map((name) => [name, canary]));
  const { line } = logged({
    ...fields,
    apiKey: canary,
    'Set-Cookie': canary,
    deep: [{ API_KEY: { x: canary } }, new Map([['Password', canary]])],
  });
  assert.doesNotMatch(line, /canary/);
  assert.match(line, /"apiKey":"\[withheld\]"/);
});

test('credentials inside texts are withheld', () => {
  const { line } = logged({ error: new Error('connect postgres://hub:canary@db/x: Bearer canary.canary-canary') });
  assert.doesNotMatch(line, /canary/);
  assert.match(line, /postgres:\/\/\[withheld\]@db/);
});

test('errors, bigints, dates, bytes and odd numbers are readable; cycles and failing getters do no harm', () => {
  const cycle: Record<string, unknown> = { big: 9_007_199_254_740_993n };
  cycle.self = cycle;
  const { record } = logged({
    cycle,
    twice: [now(), now()],
    error: Object.assign(new Error('outer', { cause: new TypeError('inner') }), { code: 'X' }),
    raw: Buffer.from('secret'),
    nan: Number.NaN,
    bad: {
      get boom() {
        throw new Error('no');
      },
      fine: 1,
    },
    time: 'mine',
    nothing: undefined,
  });
  assert.deepEqual(record.cycle, { big: '9007199254740993', self: '[circular]' });
  assert.deepEqual(record.twice, ['2026-01-02T03:04:05.678Z', '2026-01-02T03:04:05.678Z']);
  const error = record.error as { message: string; code: string; cause: { name: string; message: string } };
  assert.deepEqual(
    [error.message, error.code, error.cause.name, error.cause.message],
    ['outer', 'X', 'TypeError', 'inner'],
  );
  assert.equal(record.raw, '[6 bytes]');
  assert.equal(record.nan, 'NaN');
  assert.deepEqual(record.bad, { boom: '[unreadable]', fine: 1 });
  assert.equal(record.time, '2026-01-02T03:04:05.678Z');
  assert.equal(record.field_time, 'mine');
});

test('long and deep values are cut', () => {
  let deep: unknown = 'bottom';
  for (let level = 0; level < 50; level++) deep = { deep };
  const { line } = logged({ text: 'x'.repeat(1_000_000), many: Array.from({ length: 10_000 }, (_, n) => n), deep });
  assert.ok(line.length < 10_000);
  assert.match(line, /\[deeper\]/);
});

test('a failing writer does not reach the caller', () => {
  const log = jsonLog({
    level: 'info',
    write: () => {
      throw new Error('EPIPE');
    },
  });
  assert.doesNotThrow(() => log.error('m'));
});
