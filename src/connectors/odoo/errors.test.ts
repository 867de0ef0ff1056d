import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FaultError } from '../../core/fault.ts';
import { faultOfException, faultOfSilence, faultOfStatus, retryAfter, words } from './errors.ts';

const write = { what: 'sale.order.load', writes: true };
const read = { what: 'sale.order.read', writes: false };
const now = new Date('2026-11-23T12:00:00Z');

describe('exceptions that Odoo names', () => {
  const table: [exception: string, kind: string][] = [
    ['odoo.exceptions.AccessDenied', 'refused'],
    ['werkzeug.exceptions.Unauthorized', 'refused'],
    ['odoo.exceptions.AccessError', 'refused'],
    ['werkzeug.exceptions.NotFound', 'refused'],
    ['odoo.exceptions.MissingError', 'rejected'],
    ['odoo.exceptions.UserError', 'rejected'],
    ['odoo.exceptions.ValidationError', 'rejected'],
    ['werkzeug.exceptions.UnprocessableEntity', 'rejected'],
    ['builtins.ValueError', 'rejected'],
    ['builtins.TypeError', 'rejected'],
    ['psycopg2.errors.SerializationFailure', 'transient'],
    ['psycopg2.errors.LockNotAvailable', 'transient'],
    ['psycopg2.errors.DeadlockDetected', 'transient'],
    ['psycopg2.OperationalError', 'transient'],
  ];
  for (const [exception, kind] of table)
    it(`${exception} is ${kind}, reading and writing`, () => {
      assert.equal(faultOfException(write, exception, 'x').fault.kind, kind);
      assert.equal(faultOfException(read, exception, 'x').fault.kind, kind);
    });

  it('one we do not know is unknown after a write and transient after a read', () => {
    assert.equal(faultOfException(write, 'some.module.Strange', 'x').fault.kind, 'unknown');
    assert.equal(faultOfException(read, 'some.module.Strange', 'x').fault.kind, 'transient');
  });

  it('says what was asked and what Odoo said, on one line', () => {
    const { message } = faultOfException(write, 'odoo.exceptions.UserError', 'Nein.\n\nWirklich nicht.').fault;
    assert.equal(message, 'Odoo answered sale.order.load with UserError: Nein. Wirklich nicht.');
  });

  it('never carries a traceback or an e-mail address', () => {
    const text = words(`Not for ada@example.com!\nTraceback (most recent call last):\n  File "/opt/secret.py"`);
    assert.equal(text, 'Not for (e-mail)');
    assert.ok(words('x'.repeat(5000)).length <= 300);
  });
});

describe('answers without an exception', () => {
  const table: [status: number, retry: number | null, writing: string, reading: string][] = [
    [401, null, 'refused', 'refused'],
    [403, null, 'refused', 'refused'],
    [404, null, 'refused', 'refused'],
    [303, null, 'refused', 'refused'],
    [408, null, 'transient', 'transient'],
    [413, null, 'rejected', 'rejected'],
    [415, null, 'rejected', 'rejected'],
    [429, null, 'throttled', 'throttled'],
    [429, 5000, 'throttled', 'throttled'],
    [500, null, 'unknown', 'transient'],
    [502, null, 'unknown', 'transient'],
    [502, 5000, 'unknown', 'transient'],
    [503, null, 'unknown', 'transient'],
    [503, 5000, 'throttled', 'throttled'],
    [504, null, 'unknown', 'transient'],
  ];
  for (const [status, retry, writing, reading] of table)
    it(`HTTP ${status}${retry ? ' with Retry-After' : ''} is ${writing} for a write, ${reading} for a read`, () => {
      assert.equal(faultOfStatus(write, status, retry).fault.kind, writing);
      assert.equal(faultOfStatus(read, status, retry).fault.kind, reading);
    });

  it('Retry-After is seconds or an HTTP date, at most a day', () => {
    assert.equal(retryAfter('7', now), 7000);
    assert.equal(retryAfter('Mon, 23 Nov 2026 12:01:00 GMT', now), 60_000);
    assert.equal(retryAfter('Mon, 23 Nov 2026 11:00:00 GMT', now), 0);
    assert.equal(retryAfter('99999999', now), 86_400_000);
    assert.equal(retryAfter('soon', now), null);
    assert.equal(retryAfter(null, now), null);
  });
});

describe('no answer', () => {
  const failed = (cause: unknown) => new TypeError('fetch failed', { cause });
  const coded = (code: string) => Object.assign(new Error(code), { code });

  it('is transient when connecting failed: nothing was sent', () => {
    for (const code of ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'])
      assert.equal(faultOfSilence(write, failed(coded(code))).fault.kind, 'transient');
    const both = Object.assign(new AggregateError([coded('ECONNREFUSED'), coded('ENETUNREACH')]), {
      code: 'ECONNREFUSED',
    });
    assert.equal(faultOfSilence(write, failed(both)).fault.kind, 'transient');
  });

  it('is unknown for a write that may have arrived', () => {
    for (const thrown of [
      failed(coded('ECONNRESET')),
      failed(coded('UND_ERR_SOCKET')),
      new DOMException('timed out', 'TimeoutError'),
      new Error('?'),
    ]) {
      assert.equal(faultOfSilence(write, thrown).fault.kind, 'unknown');
      assert.equal(faultOfSilence(read, thrown).fault.kind, 'transient');
    }
  });

  it('leaves a Fault of cx.fetch as it is', () => {
    const lost = new FaultError({ kind: 'transient', message: 'the lease ran out' });
    assert.equal(faultOfSilence(write, lost), lost);
  });
});
