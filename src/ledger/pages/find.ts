/**
 * Pieces of SQL that find documents by what people know, over all entities the session may see. Indexes start with entity and kind, and the role of the
 * API sees some entities only: so the few (entity, kind) pairs are hopped through first, and each is one look into the index (a limit
 * keeps the planner from joining the other way round).
 */
const pairsOf = (table: 'document' | 'reference'): string => `
  with recursive pair (entity, kind) as (
    select e.entity, (select min(t.kind) from ${table} t where t.entity = e.entity) from (select distinct entity from connection) e
    union all
    select p.entity, (select min(t.kind) from ${table} t where t.entity = p.entity and t.kind > p.kind) from pair p where p.kind is not null)`;

/** Ids of documents that carry a reference; `digest` is the parameter that holds its keyed digest. */
export const byReference = (digest: `$${number}`): string =>
  `${pairsOf('reference')} select r.document_id from pair p cross join lateral (
    select document_id from reference where entity = p.entity and kind = p.kind and value = ${digest} order by document_id desc limit 10000) r`;

/** Ids of documents under one of some keys, of any kind; `keys` is the parameter that holds them, two at most. */
export const byKey = (keys: `$${number}`): string =>
  `${pairsOf('document')} select d.id from pair p cross join lateral (
    select id from document where entity = p.entity and kind = p.kind and key = any(${keys}::text[]) limit 2) d`;
