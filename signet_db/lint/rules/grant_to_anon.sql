-- level: warning
-- what: People who are not signed in have a right on a table
-- why: Everything that anon may do, everybody on the internet may do: the publishable key is public.
-- fix: revoke all on … from public, anon;  or allow it with the reason why it is public
select title, role || ' may ' || string_agg(distinct lower(privilege), ', ')
from grants
where is_exposed and role in ('anon', 'PUBLIC')
group by title, role
