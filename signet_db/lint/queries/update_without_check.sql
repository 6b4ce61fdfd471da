-- level: warning
-- what: A policy for UPDATE without WITH CHECK
-- why: USING then also decides what a row may become; a later edit of it opens both.
-- fix: create policy … using (…) with check (…)
select title, 'has no WITH CHECK'
from policies
where command in ('w', '*') and check_text is null
