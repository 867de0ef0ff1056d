import { HubError } from './errors.ts';

/** RFC 3339 with its offset; seconds may be left out. */
const MOMENT = /^(\d{4}-\d\d-\d\d)T(\d\d):\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;

/** Milliseconds since 1970, or NaN for text that is no moment: `Date.parse` takes 30 February for 2 March and 24:00 for the next day. */
export function momentOf(text: string): number {
  const [, day, hour] = MOMENT.exec(text) ?? [];
  if (day === undefined || hour === '24') return Number.NaN;
  const midnight = Date.parse(`${day}T00:00:00Z`);
  const isDay = !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(day);
  return isDay ? Date.parse(text) : Number.NaN;
}

/** The zone. Throws HubError CONFIG_INVALID for one that is not in the IANA data base; `whose` is what has it: `flow 'store-sales'`. */
export function knownZone(zone: string, whose: string): string {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return zone;
  } catch (cause) {
    throw new HubError('CONFIG_INVALID', `${whose}: zone '${zone}' is no IANA time zone`, {
      hint: 'write it as in Europe/Brussels',
      cause,
    });
  }
}
