import { milliseconds } from '../core/clock.ts';
import type { Context } from '../core/connector.ts';
import { type Fault, FaultError } from '../core/fault.ts';
import { TRACE_LABEL } from '../core/trace.ts';
import { boundAs } from '../ledger/bindings.ts';
import type { Parts } from './parts.ts';
import { send } from './send.ts';

/** Says, at the last moment before anything is sent, whether we may still act. */
export type Guard = () => boolean;

/**
 * What a connector is given: everything timed by `signal`, and nothing sent once the guard says no. `trace` is the `traceparent` of calls that
 * bring none of their own.
 */
export function contextFor(
  parts: Parts,
  connection: string,
  signal: AbortSignal,
  guard: Guard,
  trace?: string,
): Context {
  const entity = parts.estate.connections[connection]!.entity;
  let sent = false;
  const check = (): void => {
    if (!guard()) throw new FaultError(sent ? lostBetween : lostBefore);
  };
  const act = (): void => {
    check();
    sent = true;
  };
  return {
    connection,
    entity,
    signal,
    look: false,
    log: parts.log,
    clock: parts.clock,
    node: parts.node,
    secret: (name) => parts.secret(name),
    mapping: (table) => parts.mappings.table(entity, table),
    otherBoundTo: async (kind, key, id) => {
      const where = { connection, entity, kind, key: parts.names.key(kind, key) };
      return (await boundAs(parts.db, where, id)).other;
    },
    fetch: async (url, { timeout, reach, reads: _, ...init } = {}) => {
      check();
      const signals = [signal, AbortSignal.timeout(milliseconds(timeout ?? '30s'))];
      if (init.signal) signals.push(init.signal);
      const headers = new Headers(init.headers);
      if (trace !== undefined && !headers.has(TRACE_LABEL)) headers.set(TRACE_LABEL, trace);
      return send(url, { ...init, headers, signal: AbortSignal.any(signals) }, act, reach);
    },
    call: async (_, run) => {
      act();
      return run();
    },
  };
}

const lostBefore: Fault = { kind: 'transient', message: 'the lease ran out before anything was sent' };
const lostBetween: Fault = { kind: 'unknown', message: 'the lease ran out between two calls' };
