-- level: error
-- supabase: 0011 function_search_path_mutable
-- what: A security definer function without an empty search_path
-- why: A role that can create an object in a schema searched earlier runs it with the owner's rights.
-- fix: create function … security definer set search_path = ''  and qualify every name
select title, 'names in it can be hijacked'
from functions
where is_definer
    and not exists (
        select from unnest(settings) as setting
        where replace(setting, ' ', '') in ('search_path=""', 'search_path=pg_catalog', 'search_path=pg_catalog,pg_temp'))
