-- level: error
-- what: A policy for a role that has no GRANT for the operation
-- why: The role is refused (42501) before policies are evaluated: new projects grant nothing by default.
-- fix: grant select, insert, update, delete on … to the role, as far as the policies go
select p.title, format('%%s may not %%s', r.rolname, o.privilege)
from policies p
join pg_roles r on r.oid = any (p.roles)
join (values ('r', 'select'), ('a', 'insert'), ('w', 'update'), ('d', 'delete')) as o (command, privilege)
    on p.command::text in (o.command, '*')
where p.is_permissive
    and not (
        has_schema_privilege(r.oid, p.schema, 'usage')
        and case o.privilege
            when 'delete' then has_table_privilege(r.oid, p.table_oid, 'delete')
            else has_any_column_privilege(r.oid, p.table_oid, o.privilege)
        end)
