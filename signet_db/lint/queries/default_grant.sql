-- level: info
-- what: New objects of an exposed schema are granted to API roles by default
-- why: A table without row-level security is open as soon as it is created.
-- fix: alter default privileges in schema … revoke all on tables from anon, authenticated;
select distinct quote_ident(n.nspname), format(
    'new %%s are granted to %%s',
    case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' else 'functions' end,
    api_roles.name)
from pg_default_acl d
join pg_namespace n on n.oid = d.defaclnamespace and n.nspname = any (%(exposed)s)
cross join aclexplode(d.defaclacl) a
join api_roles on api_roles.oid = a.grantee
where d.defaclrole = current_user::regrole and d.defaclobjtype in ('r', 'S', 'f')
