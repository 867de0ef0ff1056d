export type Row = Readonly<Record<string, unknown>>;
export type Many = readonly [id: number, name: string] | false;

export const rowsOf = (answer: unknown): Row[] => (Array.isArray(answer) ? (answer as Row[]) : []);

/** A many2one in a row; id 0 where there is none. */
export const relation = (value: unknown): { id: number; name: string } => pair((value || false) as Many);

/** A many2one as Odoo reads it: [id, name] or false. */
export const pair = (value: Many): { id: number; name: string } =>
  value === false ? { id: 0, name: '' } : { id: value[0], name: value[1] };
