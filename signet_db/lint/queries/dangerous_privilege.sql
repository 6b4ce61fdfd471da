-- level: error
-- what: A role of the data API has a right that policies do not guard
-- why: TRUNCATE empties a table regardless of its policies; the data API uses none of the others.
-- fix: revoke all on … from public, anon, authenticated;  then grant only what policies guard
select title, role || ' may ' || lower(string_agg(distinct privilege, ', '))
from grants
where privilege in ('TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN') or kind = 'S' and privilege = 'UPDATE'
group by title, role
union all
select quote_ident(n.nspname), api_roles.name || ' may create objects in it'
from pg_namespace n, aclexplode(n.nspacl) a
join api_roles on api_roles.oid = a.grantee
where n.nspname = any (%(schemas)s) and a.privilege_type = 'CREATE'
