import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/connector.ts';
import { HubError } from '../core/errors.ts';
import type { Reception, Webhooks } from '../engine/webhooks.ts';
import { isAway } from '../ledger/database.ts';
import { BodyReader } from './body.ts';
import { problemOf, sendProblem } from './problem.ts';

export interface IntakeOptions {
  webhooks: Pick<Webhooks, 'port' | 'receive'>;
  clock: Clock;
  log: Log;
}

interface Address {
  connection: string;
  topic: string;
}

const MIB = 1024 * 1024;
const BODY_LIMIT = MIB;
/** Of all bodies that are coming in at a time. */
const MOST_COMING_IN = 16 * MIB;
const BETWEEN_WARNINGS_MS = 10_000;

const statusOf: Record<Reception, number> = { stored: 202, known: 200, noted: 202, nothing: 204 };

/**
 * `POST /in/{connection}/{topic}`: webhooks of any content type, as raw bytes. 202 only after the ledger's commit, 200 for what was known, 204
 * for what is not for the hub; what else there is, and what a sender does about it, stands in docs/intake.md.
 */
export function addIntake(app: FastifyInstance, { webhooks, clock, log }: IntakeOptions): void {
  const bodies = new BodyReader(MOST_COMING_IN);
  const report = new Report(log, clock);
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    // The route reads the body itself: only after it has seen that the address exists.
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    scope.setErrorHandler((error, request, reply) => answer(error, request as FastifyRequest, reply, report));
    scope.post<{ Params: Address }>('/in/:connection/:topic', async (request, reply) => {
      const started = clock.monotonic();
      const { connection, topic } = request.params;
      const port = webhooks.port(connection, topic);
      // The same words for an unknown connection and an unknown topic: addresses are not for guessing.
      if (!port) throw new HubError('NOT_FOUND', 'nothing is received at this address');
      checkType(request, port.source.accepts);
      const body = await bodies.read(request.raw, port.source.maxBytes ?? BODY_LIMIT);
      const at = request.raw.url!.indexOf('?');
      const reception = await webhooks.receive(port, {
        headers: request.raw.headers,
        query: at < 0 ? '' : request.raw.url!.slice(at + 1),
        body,
        receivedAt: clock.now(),
      });
      report.received(request.params, reception, clock.monotonic() - started);
      reply.code(statusOf[reception]);
      return reception === 'nothing' ? reply.send() : reply.type('application/json').send(`{"outcome":"${reception}"}`);
    });
  });
}

/** Compressed bodies are not taken: a signature is about the bytes that travel, and what unpacks to any size is not for strangers. */
function checkType({ headers }: FastifyRequest, accepts: readonly string[] | undefined): void {
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    throw new HubError('MEDIA_TYPE', 'compressed bodies are not taken');
  if (!accepts) return;
  const type = (headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
  if (!accepts.includes(type)) throw new HubError('MEDIA_TYPE', `this address takes ${accepts.join(', ')}`);
}

/** Faults of the sender's in words, ours and the ledger's as one 503: the sender comes again, and hears nothing of what is inside. */
function answer(error: unknown, request: FastifyRequest, reply: FastifyReply, report: Report): FastifyReply {
  const told = problemOf(error);
  const ours = told.status >= 500;
  report.refused(request.params as Address, told.code, ours && !isAway(error) ? error : undefined);
  if (!ours || told.code === 'OVERLOADED') return sendProblem(reply, told);
  const away = new HubError('LEDGER_AWAY', 'this could not be stored; nothing was acknowledged', {
    hint: 'send it again: what was stored all the same is known then',
  });
  return sendProblem(reply, problemOf(away));
}

/** One debug line per request, which metrics count too; of refusals a warning now and then, for a sender with a wrong secret must be seen. */
class Report {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #warned = new Map<string, number>();

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  received({ connection, topic }: Address, outcome: Reception, elapsedMs: number): void {
    this.#log.debug('intake.answered', { connection, topic, outcome, elapsedMs });
  }

  /** `defect` is what went wrong on our side, for the log only. */
  refused({ connection, topic }: Address, code: string, defect: unknown): void {
    // An address that does not exist is a stranger's text.
    const about = code === 'NOT_FOUND' ? {} : { connection, topic };
    const key = code === 'NOT_FOUND' ? code : `${code} ${connection} ${topic}`;
    const now = this.#clock.monotonic();
    const quiet = now - (this.#warned.get(key) ?? Number.NEGATIVE_INFINITY) < BETWEEN_WARNINGS_MS;
    if (!quiet) this.#warned.set(key, now);
    const level = defect !== undefined ? 'error' : 'warn';
    this.#log[quiet ? 'debug' : level]('intake.answered', {
      ...about,
      outcome: code.toLowerCase(),
      ...(defect === undefined ? {} : { error: defect }),
    });
  }
}
