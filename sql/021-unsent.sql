-- A document that is to be at its target by a moment, and is still to be sent: written when it is owed, gone when it is there. Null: it was sent, and an
-- answer is awaited.
alter table expectation add column unsent uuid;
