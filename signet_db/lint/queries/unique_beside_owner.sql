-- level: info
-- what: A unique column of a table of many owners
-- why: An insert that is refused (23505) reveals that another person has this value.
-- fix: unique (user_id, …)  where the value need be unique for its owner only
select distinct c.title, 'is unique for all owners together'
from columns c
join pg_index i on i.indrelid = c.table_oid and i.indisunique and not i.indisprimary
    and i.indnkeyatts = 1 and i.indkey[0] = c.number
join tables t on t.oid = c.table_oid and t.is_guarded
where c.is_exposed and c.type <> 'uuid'::regtype
    and exists (
        select from policies p
        where p.table_oid = c.table_oid and p.command in ('a', '*') and p.expressions ~ 'auth\.uid\(\)')
