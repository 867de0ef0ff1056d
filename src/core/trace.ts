import { randomBytes } from 'node:crypto';

/** A place in a trace. Ids are lower-case hex: 32 and 16 digits. */
export interface Trace {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
}

/** The label under which an Event, its Documents and Deliveries keep the `traceparent` that its sender gave. */
export const TRACE_LABEL = 'traceparent';

/**
 * Reads a `traceparent` header; null where it is absent or not one. Of a version that is not known yet the known beginning counts.
 *
 * @see https://www.w3.org/TR/trace-context/#traceparent-header
 */
export function parseTraceparent(header: unknown): Trace | null {
  if (typeof header !== 'string') return null;
  const found = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(header.trim());
  if (!found) return null;
  const [, version, traceId, spanId, flags, more] = found;
  if (version === 'ff' || (version === '00' && more !== undefined)) return null;
  if (/^0+$/.test(traceId!) || /^0+$/.test(spanId!)) return null;
  return { traceId: traceId!, spanId: spanId!, sampled: (Number.parseInt(flags!, 16) & 1) === 1 };
}

export const traceparentOf = ({ traceId, spanId, sampled }: Trace): string =>
  `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;

export const newSpanId = (): string => randomBytes(8).toString('hex');

/** A new span in the trace that the labels carry, else in one made of the event's id: every attempt for one event is in one trace. */
export function spanFor(labels: Readonly<Record<string, string>>, eventId: string): Trace {
  const given = parseTraceparent(labels[TRACE_LABEL]);
  return {
    traceId: given?.traceId ?? eventId.replaceAll('-', ''),
    spanId: newSpanId(),
    sampled: given?.sampled ?? false,
  };
}
