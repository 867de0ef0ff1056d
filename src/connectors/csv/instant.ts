/** Local dates of files, and the instants they mean in a time zone. */

export interface LocalTime {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

const tokens: Record<string, [keyof LocalTime, string]> = {
  YYYY: ['year', '(\\d{4})'],
  MM: ['month', '(\\d{2})'],
  M: ['month', '(\\d{1,2})'],
  DD: ['day', '(\\d{2})'],
  D: ['day', '(\\d{1,2})'],
  HH: ['hour', '(\\d{2})'],
  H: ['hour', '(\\d{1,2})'],
  mm: ['minute', '(\\d{2})'],
  ss: ['second', '(\\d{2})'],
};

/**
 * A reader for a format made of YYYY MM M DD D HH H mm ss and separators, such as 'DD/MM/YYYY HH:mm'. The reader gives null for text that
 * is not a date of that form, such as 30 February. Throws RangeError when the format does not name a year, a month and a day.
 */
export function dateFormat(format: string): (text: string) => LocalTime | null {
  const fields: (keyof LocalTime)[] = [];
  const pattern = format.replaceAll(/YYYY|MM?|DD?|HH?|mm|ss|./gs, (part) => {
    const token = tokens[part];
    if (!token) return part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
    fields.push(token[0]);
    return token[1];
  });
  if (!(['year', 'month', 'day'] as const).every((field) => fields.filter((f) => f === field).length === 1))
    throw new RangeError(
      `'${format}' must name the year, the month and the day once each, such as YYYY-MM-DD HH:mm:ss`,
    );
  const expression = new RegExp(`^${pattern}$`);
  return (text) => {
    const found = expression.exec(text);
    if (!found) return null;
    const local: LocalTime = { year: 0, month: 1, day: 1, hour: 0, minute: 0, second: 0 };
    for (const [i, field] of fields.entries()) local[field] = Number(found[i + 1]);
    const check = new Date(asUtc(local));
    const real =
      local.year > 0 &&
      check.getUTCFullYear() === local.year &&
      check.getUTCMonth() + 1 === local.month &&
      check.getUTCDate() === local.day &&
      local.hour < 24 &&
      local.minute < 60 &&
      local.second < 60;
    return real ? local : null;
  };
}

const asUtc = ({ year, month, day, hour, minute, second }: LocalTime): number => {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.setUTCHours(hour, minute, second);
};

const formats = new Map<string, Intl.DateTimeFormat>();

/** The wall clock of a zone at an instant. Throws RangeError for a zone that is not in the IANA data base. */
export function localTime(instant: number, zone: string): LocalTime {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      calendar: 'iso8601',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
    formats.set(zone, format);
  }
  const local: Partial<LocalTime> = {};
  for (const { type, value } of format.formatToParts(instant))
    if (type !== 'literal') local[type as keyof LocalTime] = Number(value);
  return local as LocalTime;
}

/** Milliseconds that the zone's clock is ahead of UTC. */
const offsetAt = (instant: number, zone: string): number =>
  asUtc(localTime(instant, zone)) - Math.floor(instant / 1000) * 1000;

const DAY = 86_400_000;

/**
 * The instant, in milliseconds, at which the zone's clock shows this time. In the hour that comes twice when clocks go back it is the first
 * one; a time in the hour that is skipped when clocks go forward is as much later as the clock jumps (01:30 becomes 02:30).
 */
export function instantOf(local: LocalTime, zone: string): number {
  const wall = asUtc(local);
  const before = offsetAt(wall - DAY, zone);
  const after = offsetAt(wall + DAY, zone);
  const valid = [wall - before, wall - after].filter((instant) => instant + offsetAt(instant, zone) === wall);
  return valid.length > 0 ? Math.min(...valid) : wall - before;
}

/** YYYY-MM-DD by the zone's clock. */
export function dayIn(instant: number, zone: string): string {
  const { year, month, day } = localTime(instant, zone);
  return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}
