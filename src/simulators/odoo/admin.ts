import type { IncomingMessage, ServerResponse } from 'node:http';
import { readRule } from './faults.ts';
import { ledger } from './ledger.ts';
import type { Engine } from './server.ts';

/** Time as the simulator sees it: moved by hand, never back. */
interface MovableClock {
  advance(ms: number): void;
  now(): number;
}

/** What tests ask of the simulator beside Odoo's own interface. */
export class Admin {
  private readonly engine: Engine;
  private readonly clock: MovableClock;
  private readonly stop: () => void;

  constructor(engine: Engine, clock: MovableClock, stop: () => void) {
    this.engine = engine;
    this.clock = clock;
    this.stop = stop;
  }

  /** `path` is what follows the token: `faults`, `calls`, `ledger`, `clock` or `stop`. */
  handle(request: IncomingMessage, response: ServerResponse, path: string, query: URLSearchParams, body: Buffer): void {
    try {
      const answer = this.answer(`${request.method} ${path}`, query, body);
      reply(response, answer === undefined ? 404 : 200, answer ?? { error: `no ${request.method} ${path} here` });
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof SyntaxError)) throw error;
      reply(response, 400, { error: error.message });
    }
  }

  private answer(what: string, query: URLSearchParams, body: Buffer): unknown {
    const { faults, calls, history, db } = this.engine;
    const given = () => (body.length ? JSON.parse(body.toString('utf8')) : {});
    switch (what) {
      case 'GET faults':
        return { faults: faults.list() };
      case 'POST faults':
        return { ids: [given()].flat().map((rule) => faults.add(readRule(rule))) };
      case 'DELETE faults':
        faults.clear(query.has('id') ? Number(query.get('id')) : undefined);
        return { faults: faults.list() };
      case 'GET calls':
        return { calls: calls.filter((call) => call.sequence > Number(query.get('after') ?? 0)) };
      case 'GET ledger':
        return ledger(db, history);
      case 'GET clock':
        return { now: new Date(this.clock.now()).toISOString() };
      case 'POST clock':
        return this.moveClock(given());
      case 'POST stop':
        setImmediate(this.stop);
        return { stopping: true };
      default:
        return undefined;
    }
  }

  private moveClock(given: { advance?: number; now?: string }): unknown {
    const by = given.now === undefined ? Number(given.advance) : Date.parse(given.now) - this.clock.now();
    if (!(by >= 0)) throw new RangeError('give `advance` in milliseconds or a later `now`');
    this.clock.advance(by);
    return { now: new Date(this.clock.now()).toISOString() };
  }
}

function reply(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify(value));
}
