-- level: warning
-- supabase: 0017 foreign_table_in_api
-- what: A foreign table can be read through the data API
-- why: Policies do not hold for it.
-- fix: revoke all on … from public, anon, authenticated;  or move it to a schema that is not exposed
select distinct title, 'is open to ' || role
from grants
where is_exposed and kind = 'f' and privilege = 'SELECT'
