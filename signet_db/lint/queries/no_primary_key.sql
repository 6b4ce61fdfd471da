-- level: info
-- supabase: 0004 no_primary_key
-- what: A table without a primary key
-- why: A row cannot be named, so clients cannot upsert, and replication cannot follow.
-- fix: alter table … add primary key (…);
select title, 'has no primary key'
from tables
where is_exposed and not exists (select from pg_index i where i.indrelid = tables.oid and i.indisprimary)
