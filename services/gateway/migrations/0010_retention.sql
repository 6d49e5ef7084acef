-- Old conversations are removed by their age, as calls are.

create index text_conversation_age on text_conversation (updated_at);
