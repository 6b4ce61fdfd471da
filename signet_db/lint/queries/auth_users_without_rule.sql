-- level: warning
-- what: A foreign key to auth.users without a rule for deletions
-- why: An account that has a row here can no longer be deleted: Auth answers with an error.
-- fix: references auth.users (id) on delete cascade   or  on delete set null
select k.title, 'refuses the deletion of the user'
from foreign_keys k
join pg_constraint c on c.oid = k.oid
where k.target_oid = to_regclass('auth.users') and c.confdeltype in ('a', 'r')
