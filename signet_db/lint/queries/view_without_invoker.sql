-- level: error
-- supabase: 0010 security_definer_view
-- what: A view of an exposed schema runs with its owner's rights
-- why: It shows rows that the policies of its tables hide from the caller.
-- fix: alter view … set (security_invoker = true);
select title, 'passes the policies of its tables'
from relations
where is_exposed and kind = 'v' and not is_invoker
    and exists (select from grants where grants.oid = relations.oid)
