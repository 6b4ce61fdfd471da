-- level: warning
-- what: A policy for anon asks who the person is
-- why: Nobody is signed in as anon, so auth.uid() is null there and the policy never holds: a mistake.
-- fix: create policy … to authenticated
select title, 'auth.uid() is null for anon'
from policies
where expressions ~ 'auth\.(uid|email)\(\)'
    and (select oid from api_roles where name = 'anon') = any (roles)
