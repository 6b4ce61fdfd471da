-- level: warning
-- supabase: 0011 function_search_path_mutable
-- what: A function that depends on the caller's search_path
-- why: It does something else, or fails, depending on who calls it.
-- fix: create function … set search_path = ''  and qualify every name
select title, 'has no search_path of its own'
from functions
where not is_definer and language in ('sql', 'plpgsql')
    and not exists (select from unnest(settings) as setting where starts_with(setting, 'search_path='))
    and not exists (select from pg_proc where pg_proc.oid = functions.oid and pg_proc.prosqlbody is not null)
