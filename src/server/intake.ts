import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../core/clock.ts';
import type { Log, RawRequest } from '../core/connector.ts';
import { HubError } from '../core/errors.ts';
import type { Inquiries } from '../engine/inquiries.ts';
import type { Reception, Webhooks } from '../engine/webhooks.ts';
import type { InquiryPort } from '../engine/wiring.ts';
import { isAway } from '../ledger/database.ts';
import type { Metrics } from '../watch/metrics.ts';
import type { RateLimit } from './api/limits.ts';
import { BodyReader } from './body.ts';
import { headersOf, type Problem, problemOf } from './problem.ts';
import { flatGuards } from './security.ts';

export interface IntakeOptions {
  webhooks: Pick<Webhooks, 'port' | 'receive'>;
  /** Without it nothing is answered. */
  inquiries?: { doors: Pick<Inquiries, 'port' | 'read' | 'answer'>; rate: RateLimit } | undefined;
  clock: Clock;
  log: Log;
  metrics?: Metrics | undefined;
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

/** Acknowledgements go to machines, many a second: they carry what keeps caches and sniffers off, and none of what is for browsers. */
const answered = (status: number, text: string, outcome: string): Acknowledgement => {
  const about =
    text === '' ? [] : ['content-type', 'application/json', 'content-length', String(Buffer.byteLength(text))];
  return { status, text, outcome, head: [...about, 'cache-control', 'no-store', 'x-content-type-options', 'nosniff'] };
};
const acknowledged = (status: number, outcome: Reception): Acknowledgement =>
  answered(status, status === 204 ? '' : JSON.stringify({ outcome }), outcome);
const acknowledgements: Record<Reception, Acknowledgement> = {
  stored: acknowledged(202, 'stored'),
  known: acknowledged(200, 'known'),
  noted: acknowledged(202, 'noted'),
  nothing: acknowledged(204, 'nothing'),
};

interface Acknowledgement {
  status: number;
  /** Name, value, name, value. */
  head: string[];
  text: string;
  /** For the log. */
  outcome: string;
}

/**
 * Answers a request that is for the intake and says true; all others are left to the routes.
 *
 * `POST /in/{connection}/{topic}`: webhooks of any content type, as raw bytes. 202 only after the ledger's commit, 200 for what was known, 204
 * for what is not for the hub; what else there is, and what a sender does about it, stands in docs/intake.md. Questions of systems come to the same addresses and
 * are answered 200. It stands before the framework,
 * whose work for each request would cost more than the intake's own.
 */
export type IntakeDoor = (request: IncomingMessage, response: ServerResponse) => boolean;

export function intakeDoor({ webhooks, inquiries, clock, log, metrics }: IntakeOptions): IntakeDoor {
  const bodies = new BodyReader(MOST_COMING_IN);
  const report = new Report(log, clock);

  const rawOf = async (
    request: IncomingMessage,
    query: string,
    { accepts, maxBytes }: { readonly accepts?: readonly string[]; readonly maxBytes?: number },
  ): Promise<RawRequest> => {
    checkType(request, accepts);
    const body = await bodies.read(request, maxBytes ?? BODY_LIMIT);
    return { headers: request.headers, query, body, receivedAt: clock.now() };
  };

  const tell = async (port: InquiryPort, request: RawRequest, response: ServerResponse): Promise<Acknowledgement> => {
    const { doors, rate } = inquiries!;
    const asked = await doors.read(port, request);
    // Only who is known has a share that can be used up.
    const wait = rate.take(port.connection);
    if (wait > 0) {
      response.setHeader('retry-after', String(wait));
      throw new HubError(
        'RATE_LIMITED',
        `'${port.connection}' has used up its questions; the next one is free in ${wait} s`,
      );
    }
    return answered(200, JSON.stringify(await doors.answer(port, asked)), 'answered');
  };

  const receive = async (
    address: Address,
    query: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<Acknowledgement> => {
    const inquiry = inquiries?.doors.port(address.connection, address.topic);
    if (inquiry) return tell(inquiry, await rawOf(request, query, inquiry.inquiry), response);
    const port = webhooks.port(address.connection, address.topic);
    // The same words for an unknown connection and an unknown topic: addresses are not for guessing.
    if (!port) throw new HubError('NOT_FOUND', 'nothing is received at this address');
    return acknowledgements[await webhooks.receive(port, await rawOf(request, query, port.source))];
  };

  const serve = async (
    address: Address,
    query: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> => {
    const started = clock.monotonic();
    try {
      const { status, head, text, outcome } = await receive(address, query, request, response);
      response.writeHead(status, head).end(text);
      report.received(address, outcome, clock.monotonic() - started);
    } catch (error) {
      const told = report.refused(address, error);
      refuse(request, response, told);
    }
    metrics?.answered({
      method: 'POST',
      route: ROUTE,
      status: response.statusCode,
      seconds: (clock.monotonic() - started) / 1000,
    });
  };

  return (request, response) => {
    if (request.method !== 'POST') return false;
    const found = PATH.exec(request.url!);
    const connection = found && decoded(found[1]!);
    const topic = found && decoded(found[2]!);
    if (!connection || !topic) return false;
    void serve({ connection, topic }, found[3] ?? '', request, response);
    return true;
  };
}

const ROUTE = '/in/:connection/:topic';
const PATH = /^\/in\/([^/?#]{1,200})\/([^/?#]{1,200})(?:\?([^#]*))?$/;

/** A name in an address as it is meant, or null where it cannot be read. */
function decoded(name: string): string | null {
  if (!name.includes('%')) return name;
  try {
    return decodeURIComponent(name);
  } catch {
    return null;
  }
}

function refuse(request: IncomingMessage, response: ServerResponse, told: Problem): void {
  // It was acknowledged, and what failed came after that.
  if (response.headersSent) return;
  const text = JSON.stringify(told);
  const about = { ...headersOf(told), 'content-length': String(Buffer.byteLength(text)) };
  response.writeHead(told.status, [...flatGuards(request), ...Object.entries(about).flat()]).end(text);
}

/** Compressed bodies are not taken: a signature is about the bytes that travel, and what unpacks to any size is not for strangers. */
function checkType({ headers }: IncomingMessage, accepts: readonly string[] | undefined): void {
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    throw new HubError('MEDIA_TYPE', 'compressed bodies are not taken');
  if (!accepts) return;
  const type = (headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
  if (!accepts.includes(type)) throw new HubError('MEDIA_TYPE', `this address takes ${accepts.join(', ')}`);
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

  received({ connection, topic }: Address, outcome: string, elapsedMs: number): void {
    this.#log.debug('intake.answered', { connection, topic, outcome, elapsedMs });
  }

  /** Faults of the sender's in words, ours and the ledger's as one 503: the sender comes again, and hears nothing of what is inside. */
  refused(address: Address, error: unknown): Problem {
    const told = problemOf(error);
    const ours = told.status >= 500;
    this.#warn(address, told.code, ours && !isAway(error) ? error : undefined);
    return !ours || ITS_OWN_WORDS.has(told.code) ? told : problemOf(notStored);
  }

  /** `defect` is what went wrong on our side, for the log only. */
  #warn({ connection, topic }: Address, code: string, defect: unknown): void {
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

/** Of what is ours, what the sender hears as it is. */
const ITS_OWN_WORDS: ReadonlySet<string> = new Set(['OVERLOADED', 'LOOKUP_UNANSWERED']);

const notStored = new HubError('LEDGER_AWAY', 'this could not be stored; nothing was acknowledged', {
  hint: 'send it again: what was stored all the same is known then',
});
