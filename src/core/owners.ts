import type { Sink } from './connector.ts';
import { HubError } from './errors.ts';
import type { AnyFlow } from './estate.ts';

/** A flow with the connections that it runs between. */
interface Ends {
  readonly flow: AnyFlow;
  /** Name of the connection that it reads from. */
  readonly from: string;
  /** By kind: name of the connection that it writes to, and the sink there. */
  readonly to: Readonly<Record<string, { readonly connection: string; readonly sink: Sink }>>;
}

type Fields = Readonly<Record<string, readonly string[] | undefined>>;

/**
 * A field has one owner: two flows that both change it would undo each other's word. Seen where a flow says which `fields` of a kind are its own, and another one changes some of
 * them in the same sink for the same source, or the other way round between the same two systems. What a flow `makes` it does not change, and what both say is `shared` is meant.
 *
 * Throws HubError CONFIG_INVALID naming both flows and the fields.
 */
export function checkOwners(all: readonly Ends[]): void {
  for (const [index, one] of all.entries())
    for (const other of all.slice(index + 1))
      for (const kind of Object.keys(one.to)) {
        const fields = other.to[kind] ? disputed(one.flow, other.flow, kind) : [];
        if (fields.length > 0) refuse(one, other, kind, fields);
      }
}

function refuse(one: Ends, other: Ends, kind: string, fields: readonly string[]): void {
  const [mine, theirs] = [one.to[kind]!, other.to[kind]!];
  const what = `${fields.join(', ')} of '${kind}'`;
  const both = `flows '${one.flow.id}' and '${other.flow.id}' both write ${what}`;
  if (one.from === other.from && mine.sink === theirs.sink)
    throw new HubError('CONFIG_INVALID', `${both} to '${mine.connection}' (${mine.sink.name})`, { hint });
  if (one.from === theirs.connection && other.from === mine.connection)
    throw new HubError(
      'CONFIG_INVALID',
      `${both}: the first to '${mine.connection}', the second to '${theirs.connection}', so what people change on one side is overwritten by the other`,
      { hint },
    );
}

const hint =
  'give each field one owner (`fields` of a flow, `owners` of webCustomers and odooContacts), let one of the two make new records only (`newCustomersOnly` of webOrders), or say in both flows that a field is `shared`';

/** Fields of a kind that both flows change; none where neither says which are its own. */
function disputed(one: AnyFlow, other: AnyFlow, kind: string): string[] {
  if ([one, other].some(({ makes }) => (makes as readonly string[] | undefined)?.includes(kind))) return [];
  const own = [one, other].map(({ fields }) => (fields as Fields | undefined)?.[kind]);
  const shared = [one, other].map((flow) => (flow.shared as Fields | undefined)?.[kind] ?? []);
  const [some, others] = own[0] ? own : own.toReversed();
  return (some ?? [])
    .filter((field) => others === undefined || others.includes(field))
    .filter((field) => !shared.every((names) => names.includes(field)));
}
