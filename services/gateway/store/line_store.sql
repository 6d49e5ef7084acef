-- name: line_insert
insert into phone_line (sid, account_sid, workspace_sid, phone_number, friendly_name, greeting,
                        voicemail_greeting, wait_music_url, after_hours, after_hours_target,
                        after_hours_message, department, workflow_sid, menu, language,
                        announce_position, record_calls, version, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, 1, $18, $18);

-- name: line_get
-- index: primary key or phone_line_number
select sid, account_sid, workspace_sid, phone_number, friendly_name, greeting, voicemail_greeting,
       wait_music_url, after_hours, after_hours_target, after_hours_message, department,
       workflow_sid, menu, language, announce_position, record_calls, version, created_at,
       updated_at
from phone_line
where (sid = $2 or phone_number = $2)
  and ($1 = '' or workspace_sid = $1);

-- name: line_get_for_update
-- index: primary key or phone_line_number
select sid, account_sid, workspace_sid, phone_number, friendly_name, greeting, voicemail_greeting,
       wait_music_url, after_hours, after_hours_target, after_hours_message, department,
       workflow_sid, menu, language, announce_position, record_calls, version, created_at,
       updated_at
from phone_line
where (sid = $2 or phone_number = $2)
  and workspace_sid = $1
for update;

-- name: line_list
-- index: phone_line_by_workspace
select sid, account_sid, workspace_sid, phone_number, friendly_name, greeting, voicemail_greeting,
       wait_music_url, after_hours, after_hours_target, after_hours_message, department,
       workflow_sid, menu, language, announce_position, record_calls, version, created_at,
       updated_at
from phone_line
where workspace_sid = $1
  and sid > $2
order by sid
limit $3;

-- name: line_update
-- index: primary key; the caller holds the row lock
update phone_line
set phone_number = $2,
    friendly_name = $3,
    greeting = $4,
    voicemail_greeting = $5,
    wait_music_url = $6,
    after_hours = $7,
    after_hours_target = $8,
    after_hours_message = $9,
    department = $10,
    workflow_sid = $11,
    menu = $12,
    language = $13,
    announce_position = $14,
    record_calls = $15,
    version = $16,
    updated_at = $17
where sid = $1;

-- name: line_delete
-- index: primary key
delete from phone_line
where sid = $1;

-- name: line_delete_some
-- index: phone_line_by_workspace
delete from phone_line
where sid in (select sid
              from phone_line
              where workspace_sid = $1
              order by sid
              limit $2);
