-- level: info
-- supabase: 0008 rls_enabled_no_policy
-- what: A table has row-level security and no policy
-- why: Only roles that bypass policies reach a row. Safe, but perhaps not intended.
-- fix: write its policies, or move the table to a schema that is not exposed
select title, 'no policy lets anybody in'
from tables
where is_exposed and is_guarded and not exists (select from policies where policies.table_oid = tables.oid)
