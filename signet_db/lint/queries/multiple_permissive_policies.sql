-- level: warning
-- supabase: 0006 multiple_permissive_policies
-- what: Several permissive policies for one role and operation
-- why: What one of them lets through is let through: rows are open that only one policy means to open.
-- fix: join them into one policy with OR, or make the one that closes restrictive
, expanded as (
    select distinct p.oid, p.table_title, p.command, r.rolname
    from policies p
    cross join unnest(p.roles) as role (oid)
    join pg_roles r on r.oid = role.oid or role.oid = 0 and r.rolname in ('anon', 'authenticated')
    where p.is_permissive
)
select p.table_title, format('%%s policies for %%s of %%s', count(*), o.name, p.rolname)
from expanded p
join (values ('r', 'SELECT'), ('a', 'INSERT'), ('w', 'UPDATE'), ('d', 'DELETE')) as o (command, name)
    on p.command::text in (o.command, '*')
group by p.table_title, o.name, p.rolname
having count(*) > 1
