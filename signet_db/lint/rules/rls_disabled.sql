-- level: error
-- supabase: 0013 rls_disabled_in_public
-- what: A table of an exposed schema has no row-level security
-- why: Whoever may use the table reaches every row of it.
-- fix: alter table … enable row level security;  and write its policies
select title, 'row-level security is off'
from tables
where is_exposed and not is_guarded
