-- level: warning
-- what: People may change or delete rows that no policy lets them read
-- why: UPDATE and DELETE reach only rows that a policy for SELECT shows, so they reach none.
-- fix: write a policy for SELECT as well
select p.title, format('no policy lets %%s read', r.name)
from policies p
join (select oid, name from api_roles union all select oid, rolname from pg_roles where rolname !~ '^pg_') r
    on r.oid = any (p.roles)
where p.is_permissive and p.command in ('w', 'd')
    and not exists (
        select from policies q
        where q.table_oid = p.table_oid and q.is_permissive and q.command in ('r', '*')
            and (r.oid = any (q.roles) or 0 = any (q.roles)))
group by 1, 2
