-- level: info
-- what: People may store JSON of any size
-- why: One row can hold hundreds of megabytes, which every reader loads.
-- fix: alter table … add check (pg_column_size(…) <= 10000);
select c.title, 'no check limits it'
from columns c
where c.is_exposed and c.type in ('json'::regtype, 'jsonb'::regtype)
    and exists (
        select from grants g
        where g.oid = c.table_oid and g.privilege in ('INSERT', 'UPDATE'))
    and not exists (
        select from pg_constraint k
        where k.conrelid = c.table_oid and k.contype = 'c' and c.number = any (k.conkey))
