-- Writes that change one resource go one after the other where Twilio takes no If-Match.

alter table intent add column turn_sid text;

create unique index intent_turn on intent (turn_sid) where turn_sid is not null;
