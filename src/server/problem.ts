import { STATUS_CODES } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../core/connector.ts';
import { HubError, hubErrors } from '../core/errors.ts';
import { isAway } from '../ledger/database.ts';

/** RFC 9457 problem details, with a code of core/errors.ts and what to do. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  hint?: string;
}

export const PROBLEM = 'application/problem+json; charset=utf-8';

export function problem(status: number, code: string, detail: string, hint?: string): Problem {
  const about = Object.hasOwn(hubErrors, code) ? hubErrors[code as keyof typeof hubErrors].about : STATUS_CODES[status];
  return {
    type: `urn:crossdock:error:${code}`,
    title: about ?? 'Error',
    status,
    detail,
    code,
    ...(hint === undefined ? {} : { hint }),
  };
}

/** What a thrown error says to the outside: a HubError its own words, a request that was not understood why, anything else nothing. */
export function problemOf(error: unknown): Problem {
  if (error instanceof HubError) return problem(error.status, error.code, error.message, error.hint);
  if (isAway(error)) return problem(503, 'LEDGER_AWAY', 'the ledger cannot be reached', 'try again in a moment');
  const { statusCode = 500, message = '' } = (error ?? {}) as { statusCode?: number; message?: string };
  if (statusCode >= 400 && statusCode < 500) return problem(statusCode, 'BAD_USE', message);
  return problem(500, 'INTERNAL', 'the hub could not answer this; its log says why');
}

/** What a problem's answer says in its headers. */
export function headersOf(told: Problem): Record<string, string> {
  return {
    'content-type': PROBLEM,
    ...(told.status === 503 ? { 'retry-after': '5' } : {}),
    ...(told.status === 401 ? { 'www-authenticate': 'Bearer realm="crossdock"' } : {}),
  };
}

export const sendProblem = (reply: FastifyReply, told: Problem): FastifyReply =>
  reply.code(told.status).headers(headersOf(told)).send(JSON.stringify(told));

/** Answers errors of every route, and logs those that are ours. */
export const answerError =
  (log: Log) =>
  (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const told = problemOf(error);
    if (told.status >= 500)
      log.error('a request failed', {
        method: request.method,
        route: request.routeOptions?.url ?? null,
        code: told.code,
        error,
      });
    return sendProblem(reply, told);
  };
