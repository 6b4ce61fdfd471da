-- level: error
-- supabase: 0013 rls_disabled_in_public
-- what: A table of an exposed schema has no row-level security
-- why: Every role with a grant on the table reaches all of its rows.
-- fix: alter table … enable row level security;  and write its policies
select title, 'row-level security is off'
from tables
where is_exposed and not is_guarded
