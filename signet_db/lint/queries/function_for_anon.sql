-- level: error
-- supabase: 0028 anon_security_definer_function_executable
-- what: People who are not signed in may call a function that passes policies
-- why: It runs with its owner's rights for every caller on the internet.
-- fix: revoke all on function … from public, anon;  grant execute on function … to authenticated;
select f.title, 'may be called by ' || string_agg(api_roles.name, ', ' order by api_roles.name)
from functions f, aclexplode(f.acl) a
join api_roles on api_roles.oid = a.grantee
where f.is_exposed and f.is_definer and not f.is_trigger and api_roles.name in ('anon', 'PUBLIC')
group by f.title
