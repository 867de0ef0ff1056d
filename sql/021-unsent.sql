-- A document that is to be at its target by a moment, and is still to be sent: written when it is owed, gone when it is there. Null: it was sent, and an
-- answer is awaited.
alter table expectation add column unsent uuid;

-- Deliveries that are about to end, in whatever way, a person's included: nobody waits for them to be sent any more. The rows go; what became an Exception stays, answered. Returns these Exceptions.
create function end_unsent(deliveries uuid[]) returns setof uuid language sql security definer set search_path = crossdock, pg_temp as $$
  with ended as (
    select e.connection, e.key, e.exception_id from delivery d
      join expectation e on d.document_id = e.unsent and d.connection = e.connection and e.key = 'unsent:' || d.sink || ':' || d.document_id
    where d.id = any(deliveries) and e.version <= d.version and e.answered_at is null order by e.connection, e.key for update of e),
  kept as (
    update expectation e set answered_at = now() from ended where e.connection = ended.connection and e.key = ended.key and ended.exception_id is not null),
  gone as (
    delete from expectation e using ended where e.connection = ended.connection and e.key = ended.key and ended.exception_id is null)
  select exception_id from ended where exception_id is not null $$;
