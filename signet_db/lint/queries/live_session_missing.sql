-- level: warning
-- what: A table stays open to access tokens of ended sessions
-- why: A token is valid until it expires: without the policy, a sign-out or a ban closes nothing till then.
-- fix: create policy … as restrictive for all to authenticated using ((select private.session_is_live()))
select t.title, 'has no restrictive policy that asks for the live session'
from tables t
where t.is_exposed and t.is_guarded
    -- Only in a project that has such a policy somewhere: what it wants for one table it wants for all.
    and exists (select from policies where not is_permissive and reads_sessions)
    and exists (
        select from policies p
        where p.table_oid = t.oid and p.is_permissive
            and (select oid from api_roles where name = 'authenticated') = any (p.roles))
    and not exists (
        select from policies p
        where p.table_oid = t.oid and not p.is_permissive and p.command = '*' and p.reads_sessions
            and p.roles && array[0::oid, (select oid from api_roles where name = 'authenticated')])
