-- level: warning
-- what: People who are not signed in have a right on a table
-- why: The publishable key is public: the internet can do what anon can do.
-- fix: revoke all on … from public, anon;  or write a policy for SELECT to anon, if the rows are public
select title, role || ' may ' || string_agg(distinct lower(privilege), ', ')
from grants g
where is_exposed and role in ('anon', 'PUBLIC')
    -- A policy that names anon says that its rows are meant to be public.
    and not (privilege = 'SELECT' and exists (
        select from policies p
        where p.table_oid = g.oid and p.command = 'r'
            and (select oid from api_roles where name = 'anon') = any (p.roles)))
group by title, role
