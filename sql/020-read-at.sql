-- When the source of a poller's lease was last read to its end, by whichever hub held it.
alter table lease add column read_at timestamptz;
