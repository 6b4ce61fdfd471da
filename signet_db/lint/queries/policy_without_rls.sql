-- level: error
-- supabase: 0007 policy_exists_rls_disabled
-- what: A policy on a table whose row-level security is off
-- why: The policy does nothing: all rows are open.
-- fix: alter table … enable row level security;
select title, 'has no effect'
from policies
where not is_guarded
