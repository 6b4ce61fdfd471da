-- level: warning
-- supabase: 0029 authenticated_security_definer_function_executable
-- what: People who are signed in may call a function that runs with its owner's rights
-- why: No policy holds in it: the function itself must check who calls and what they may do.
-- fix: make it security invoker, move it to another schema, or allow it with the reason why it is safe
select title, 'passes all policies'
from functions
where is_exposed and is_definer and not is_trigger
    and has_function_privilege('authenticated', oid, 'execute')
