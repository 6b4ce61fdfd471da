-- level: error
-- what: A live-session policy is permissive
-- why: Permissive policies are joined by OR: it closes nothing that another one opens.
-- fix: create policy … as restrictive …
select p.title, 'is not restrictive'
from policies p
where p.is_permissive and p.reads_sessions
    and exists (
        select from policies q
        where q.table_oid = p.table_oid and q.oid <> p.oid and q.is_permissive and not q.reads_sessions
            and (q.command in (p.command, '*') or p.command = '*'))
