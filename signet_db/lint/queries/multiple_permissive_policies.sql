-- level: warning
-- supabase: 0006 multiple_permissive_policies
-- what: Several permissive policies for one role and operation
-- why: All of them are evaluated for every row; one with OR is cheaper and easier to read.
-- fix: join them into one policy with OR
select p.table_title, format('%%s policies for %%s of %%s', count(*), o.name, coalesce(r.rolname, 'PUBLIC'))
from policies p
cross join unnest(p.roles) as role (oid)
left join pg_roles r on r.oid = role.oid
join (values ('r', 'SELECT'), ('a', 'INSERT'), ('w', 'UPDATE'), ('d', 'DELETE')) as o (command, name)
    on p.command::text in (o.command, '*')
where p.is_permissive
group by p.table_title, o.name, r.rolname
having count(*) > 1
