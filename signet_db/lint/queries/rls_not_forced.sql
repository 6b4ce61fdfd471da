-- level: info
-- what: Row-level security is not forced on a table
-- why: Its owner passes the policies, and with it every view and function that runs with the owner's rights.
-- fix: alter table … force row level security;
select title, 'its owner passes the policies'
from tables
where is_exposed and is_guarded and not is_forced
