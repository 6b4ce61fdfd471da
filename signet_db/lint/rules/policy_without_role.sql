-- level: error
-- what: A policy without TO applies to every role
-- why: It is evaluated for people who are not signed in too, and lets them in when its condition has a gap.
-- fix: create policy … to authenticated
select title, 'applies to PUBLIC'
from policies
where 0 = any (roles)
