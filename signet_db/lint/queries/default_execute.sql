-- level: info
-- what: New functions can be executed by PUBLIC
-- why: It is the default of PostgreSQL: each function then needs a REVOKE of its own.
-- fix: alter default privileges revoke execute on functions from public;
select quote_ident(current_user), 'PUBLIC may execute what this role makes'
where not exists (
    select from pg_default_acl d
    where d.defaclrole = current_user::regrole and d.defaclnamespace = 0 and d.defaclobjtype = 'f'
        and not exists (select from aclexplode(d.defaclacl) a where a.grantee = 0))
