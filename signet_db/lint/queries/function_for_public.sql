-- level: warning
-- what: PUBLIC may execute a function that is not part of the data API
-- why: It is the default of PostgreSQL: any role that can send SQL may call it.
-- fix: revoke all on function … from public;
select f.title, 'PUBLIC may execute it'
from functions f, aclexplode(f.acl) a
where a.grantee = 0 and (f.is_trigger or not f.is_exposed)
