-- The event by which a record was last seen: what is known of a person is found by it too where nothing of it was ever sent on.
alter table binding_flow add column seen_event uuid;
