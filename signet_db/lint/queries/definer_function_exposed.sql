-- level: warning
-- supabase: 0029 authenticated_security_definer_function_executable
-- what: Signed-in people may call a function that runs with its owner's rights
-- why: Policies do not apply inside: the function itself must check the caller.
-- fix: make it security invoker, move it to another schema, or waive the rule with the reason why it is safe
select title, 'passes all policies'
from functions
where is_exposed and is_definer and not is_trigger
    and has_function_privilege('authenticated', oid, 'execute')
