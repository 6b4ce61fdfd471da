-- level: error
-- supabase: 0024 rls_policy_always_true
-- what: A policy that lets people write every row
-- why: A condition that is always true guards nothing.
-- fix: using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id)
select title, 'is always true'
from policies
where is_permissive
    and (
        command in ('w', 'd', '*') and using_text = 'true'
        or command in ('a', 'w', '*') and check_text = 'true')
    and exists (
        select from unnest(roles) as role (oid) left join pg_roles on pg_roles.oid = role.oid
        where not coalesce(pg_roles.rolbypassrls, false))
