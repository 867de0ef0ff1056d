-- Who had an event told again, and why, by the event. Few audit records are of that, so that the index costs the others nothing.
create index audit_told_again on audit (object) where action = 'replay.asked';
