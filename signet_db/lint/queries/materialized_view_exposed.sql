-- level: error
-- supabase: 0016 materialized_view_in_api
-- what: A materialized view can be read through the data API
-- why: It is a copy without policies: everybody who may read it reads all of it.
-- fix: revoke all on … from public, anon, authenticated;  or move it to a schema that is not exposed
select distinct title, 'is open to ' || role
from grants
where is_exposed and kind = 'm' and privilege = 'SELECT'
