-- level: error
-- what: A policy looks rows up by a column that no index begins with
-- why: Each statement reads the whole table: at a million rows a thousandfold cost.
-- fix: create index on … (the column);  a partial index whose condition is the column serves too
select distinct c.title, format('looked up by the policy %%s', p.title)
from policies p
join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refobjid = p.table_oid
join columns c on c.table_oid = p.table_oid and c.number = d.refobjsubid
cross join lateral regexp_replace(quote_ident(c.name), '(\W)', '\\\1', 'g') as spelled
where p.using_text is not null
    -- Only what an index could serve: equal to a value of the caller. IS NULL, <>, a flag, an argument cannot be.
    and (
        p.using_text ~ format('(^|[ (.])%%s\)?(::\w+)? (= (ANY )?\(*( ?SELECT |auth\.|current_setting)|IN \( ?SELECT )', spelled)
        or p.using_text ~ format('(AS \w+\)|auth\.\w+\(\))\)*(::\w+)? = \(?(\w+\.)?%%s([ ):]|$)', spelled))
    and not exists (
        select from pg_index i
        where i.indrelid = p.table_oid and i.indisvalid
            and (
                i.indkey[0] = c.number
                or i.indexprs is not null and pg_get_indexdef(i.indexrelid, 1, true) ~ format('(^|\W)%%s(\W|$)', spelled)
                or i.indpred is not null and exists (
                    select from pg_depend u
                    where u.classid = 'pg_class'::regclass and u.objid = i.indexrelid
                        and u.refobjid = p.table_oid and u.refobjsubid = c.number
                        and c.number <> all (i.indkey))))
