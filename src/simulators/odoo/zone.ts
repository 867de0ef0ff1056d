const DAY = 86_400_000;

const utc = (text: string): number => Date.parse(`${text.replace(' ', 'T')}Z`);

/** Milliseconds that a zone's clock is ahead of UTC at an instant; null for a zone that nobody knows. */
function ahead(instant: number, zone: string): number | null {
  try {
    return utc(new Date(instant).toLocaleString('sv-SE', { timeZone: zone })) - instant;
  } catch {
    return null;
  }
}

/**
 * What `load()` makes of a naive datetime: it takes it for the wall clock of the zone of the context, else of the user, and keeps UTC. An hour that
 * comes twice, or never, is standard time. Text without a time of day is its midnight. A zone that nobody knows is UTC (18 refuses the row).
 *
 * @see odoo/addons/base/models/ir_fields.py `_str_to_datetime` and `_input_tz` (18.0, 19.0); run on both
 */
export function inUtc(text: string, zone: unknown): string {
  const wall = utc(text.length === 10 ? `${text} 00:00:00` : text);
  // Years before 1000 Odoo cannot write down again; nobody sells in them.
  if (!(wall > Date.UTC(1000, 0, 3))) return text;
  const known = typeof zone === 'string' && zone !== '' ? zone : 'UTC';
  const before = ahead(wall - DAY, known);
  const after = ahead(wall + DAY, known);
  if (before === null || after === null) return text;
  const valid = [before, after].filter((offset) => ahead(wall - offset, known) === offset);
  const offset = Math.min(...(valid.length > 0 ? valid : [before, after]));
  return new Date(wall - offset).toISOString().slice(0, 19).replace('T', ' ');
}
