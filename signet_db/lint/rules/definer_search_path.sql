-- level: error
-- supabase: 0011 function_search_path_mutable
-- what: A security definer function without an empty search_path
-- why: Who can make an object in a schema that is searched first runs it with the owner's rights.
-- fix: create function … security definer set search_path = ''  and qualify every name
select title, 'names in it can be hijacked'
from functions
where is_definer and not 'search_path=""' = any (coalesce(settings, '{}'))
