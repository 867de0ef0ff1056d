-- The connection's own version of the newest state of a record that was heard from there and written, by whichever source, where its sources tell one.
alter table binding add column heard_version bigint;
