-- What a workspace was made from; others make the queue and the workflow of FIFO.

alter table workspace
    add column template text not null default 'NONE' check (template in ('NONE', 'FIFO'));
