-- level: error
-- what: A policy reads a column that no index begins with
-- why: Each statement reads the whole table: at a million rows a thousandfold cost.
-- fix: create index on … (the column);  a partial index whose condition is the column serves too
select distinct c.title, format('read by the policy %%s', p.title)
from policies p
join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refobjid = p.table_oid
join columns c on c.table_oid = p.table_oid and c.number = d.refobjsubid
where p.using_text is not null
    and not exists (
        select from pg_index i
        where i.indrelid = p.table_oid and i.indisvalid
            and (
                i.indkey[0] = c.number
                or i.indpred is not null and exists (
                    select from pg_depend u
                    where u.classid = 'pg_class'::regclass and u.objid = i.indexrelid
                        and u.refobjid = p.table_oid and u.refobjsubid = c.number
                        and c.number <> all (i.indkey))))
