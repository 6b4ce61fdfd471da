-- level: error
-- what: A policy for UPDATE without WITH CHECK
-- why: What a row may become is then only implied by what may be touched, and a later edit opens it.
-- fix: create policy … using (…) with check (…)
select title, 'has no WITH CHECK'
from policies
where command in ('w', '*') and check_text is null
