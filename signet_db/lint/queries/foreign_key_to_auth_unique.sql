-- level: error
-- supabase: 0021 fkey_to_auth_unique
-- what: A foreign key to a column of schema auth that is not a primary key
-- why: The platform may drop that index, and its update then fails on this key.
-- fix: refer to the primary key:  references auth.users (id)
select k.title, 'does not refer to a primary key'
from foreign_keys k
join pg_class c on c.oid = k.target_oid
join pg_index i on i.indexrelid = k.target_index
where c.relnamespace = 'auth'::regnamespace and not i.indisprimary
