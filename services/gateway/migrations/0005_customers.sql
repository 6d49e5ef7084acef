-- Customers, looked up by the number that calls. A number may be of several (a family, a company).

create table customer (
    sid text primary key,
    account_sid text not null,
    external_id text not null, -- in the CRM; '' = none
    name text not null,
    phones text[] not null, -- E.164
    email text not null,
    organization text not null,
    customer_type text not null,
    project_status text not null,
    department text not null,
    coordinator_email text not null,
    coordinator_quickbase_id text not null,
    notes text not null,
    attributes text not null, -- a JSON object
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create index customer_by_account on customer (account_sid, sid);
create unique index customer_external_id on customer (account_sid, external_id)
    where external_id <> '';
create index customer_by_phone on customer using gin (phones);
