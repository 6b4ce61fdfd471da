-- level: error
-- what: A policy without TO applies to every role
-- why: It is also evaluated for anon, and admits anon when its condition has a gap.
-- fix: create policy … to authenticated
select title, 'applies to PUBLIC'
from policies
where 0 = any (roles)
