-- level: warning
-- what: A table stays open to access tokens of ended sessions
-- why: A token is valid until it expires: without the policy, a sign-out or a ban closes nothing till then.
-- fix: create policy … as restrictive for all to authenticated using ((select private.session_is_live()))
select t.title, 'has no restrictive policy that asks private.session_is_live()'
from tables t
where t.is_exposed and t.is_guarded
    and to_regprocedure('private.session_is_live()') is not null
    and exists (
        select from policies p
        where p.table_oid = t.oid and p.is_permissive
            and (select oid from api_roles where name = 'authenticated') = any (p.roles))
    and not exists (
        select from policies p
        where p.table_oid = t.oid and not p.is_permissive and p.command = '*'
            and p.expressions ~ 'private\.session_is_live\(\)')
