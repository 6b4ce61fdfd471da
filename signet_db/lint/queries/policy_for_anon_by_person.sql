-- level: warning
-- what: A policy for anon compares with auth.uid()
-- why: For anon auth.uid() is null, so the policy never holds.
-- fix: create policy … to authenticated
select title, 'auth.uid() is null for anon'
from policies
where expressions ~ 'auth\.(uid|email)\(\)'
    and (select oid from api_roles where name = 'anon') = any (roles)
