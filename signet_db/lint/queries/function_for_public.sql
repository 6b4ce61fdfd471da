-- level: warning
-- what: PUBLIC may execute a function
-- why: It is the default of PostgreSQL, not a decision: people who are not signed in may call it.
-- fix: revoke all on function … from public;  grant execute on function … to the roles that need it
select f.title, 'PUBLIC may execute it'
from functions f, aclexplode(f.acl) a
where a.grantee = 0 and (f.is_trigger or not f.is_exposed or not f.is_definer)
