-- name: customer_insert
insert into customer (sid, account_sid, external_id, name, phones, email, organization,
                      customer_type, project_status, department, coordinator_email,
                      coordinator_quickbase_id, notes, attributes, version, created_at, updated_at)
values ($1, $2, $3, $4, $5::text[], $6, $7, $8, $9, $10, $11, $12, $13, $14, 1, $15, $15);

-- name: customer_update
-- index: primary key
update customer
set external_id = $3, name = $4, phones = $5::text[], email = $6, organization = $7,
    customer_type = $8, project_status = $9, department = $10, coordinator_email = $11,
    coordinator_quickbase_id = $12, notes = $13, attributes = $14, version = version + 1,
    updated_at = $15
where account_sid = $2 and sid = $1;

-- name: customer_get
-- index: primary key
select sid, account_sid, external_id, name, phones, email, organization, customer_type,
       project_status, department, coordinator_email, coordinator_quickbase_id, notes, attributes,
       version, created_at, updated_at
from customer
where account_sid = $1 and sid = $2;

-- name: customer_lock
-- index: primary key
select sid, account_sid, external_id, name, phones, email, organization, customer_type,
       project_status, department, coordinator_email, coordinator_quickbase_id, notes, attributes,
       version, created_at, updated_at
from customer
where account_sid = $1 and sid = $2
for update;

-- name: customer_delete
-- index: primary key
delete from customer
where account_sid = $1 and sid = $2 and ($3::bigint is null or version = $3);

-- name: customer_list
-- index: customer_by_account, or customer_by_phone
select sid, account_sid, external_id, name, phones, email, organization, customer_type,
       project_status, department, coordinator_email, coordinator_quickbase_id, notes, attributes,
       version, created_at, updated_at
from customer
where account_sid = $1
  and sid > $2
  and ($3::text is null or phones @> array[$3::text])
  and ($4::text is null
       or position(lower($4) in lower(name)) > 0
       or position(lower($4) in lower(organization)) > 0
       or position(lower($4) in lower(email)) > 0
       or position(lower($4) in lower(external_id)) > 0)
order by sid
limit $5;

-- name: customer_by_phone
-- of several with the number: one that somebody looks after, then the one that changed last
-- index: customer_by_phone
select sid, account_sid, external_id, name, phones, email, organization, customer_type,
       project_status, department, coordinator_email, coordinator_quickbase_id, notes, attributes,
       version, created_at, updated_at
from customer
where phones @> array[$2::text] and account_sid = $1
order by (coordinator_email <> '' or coordinator_quickbase_id <> '') desc, updated_at desc, sid
limit 1;

-- name: customer_matching
-- index: customer_external_id, customer_by_phone
select sid, account_sid, external_id, name, phones, email, organization, customer_type,
       project_status, department, coordinator_email, coordinator_quickbase_id, notes, attributes,
       version, created_at, updated_at
from customer
where account_sid = $1
  and ((external_id <> '' and external_id = any($2::text[])) or phones && $3::text[])
order by sid
limit $4;

-- name: customer_import_lock
-- one import of an account at a time, so that two do not make the same customer twice
select pg_advisory_xact_lock(hashtextextended('customer import ' || $1, 0))::text;

-- name: customer_put
-- index: primary key
insert into customer (sid, account_sid, external_id, name, phones, email, organization,
                      customer_type, project_status, department, coordinator_email,
                      coordinator_quickbase_id, notes, attributes, version, created_at, updated_at)
select r.sid, $1, r.external_id, r.name,
       array(select p from jsonb_array_elements_text(r.phones) with ordinality as e (p, n)
             order by n),
       r.email, r.organization, r.customer_type, r.project_status, r.department,
       r.coordinator_email, r.coordinator_quickbase_id, r.notes, r.attributes, 1, $3, $3
from jsonb_to_recordset($2::jsonb) as r (sid text, external_id text, name text, phones jsonb,
    email text, organization text, customer_type text, project_status text, department text,
    coordinator_email text, coordinator_quickbase_id text, notes text, attributes text)
on conflict (sid) do update
set external_id = excluded.external_id, name = excluded.name, phones = excluded.phones,
    email = excluded.email, organization = excluded.organization,
    customer_type = excluded.customer_type, project_status = excluded.project_status,
    department = excluded.department, coordinator_email = excluded.coordinator_email,
    coordinator_quickbase_id = excluded.coordinator_quickbase_id, notes = excluded.notes,
    attributes = excluded.attributes, version = customer.version + 1,
    updated_at = excluded.updated_at;

-- name: customer_coordinator_user
-- index: user_account_email, user_account_by_account
select sid
from user_account
where account_sid = $1
  and (($2 <> '' and lower(email) = lower($2)) or ($3 <> '' and quickbase_user_id = $3))
order by ($2 <> '' and lower(email) = lower($2)) desc, sid
limit 1;
