-- Told again even where nothing changed: what a channel counts itself may have changed there and back meanwhile.
alter table nudge add column afresh boolean not null default false;
alter table event add column afresh boolean not null default false;
