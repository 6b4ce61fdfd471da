-- level: info
-- what: Row-level security is not forced on a table
-- why: Functions and views of a role that owns the table and has no BYPASSRLS pass its policies; postgres has it anyway.
-- fix: alter table … force row level security;  where another role than postgres owns the table
select title, 'its owner passes the policies'
from tables
where is_exposed and is_guarded and not is_forced
