-- level: warning
-- what: People who are not signed in have a right on a table
-- why: The publishable key is public: the internet can do what anon can do.
-- fix: revoke all on … from public, anon;  or waive the rule with the reason why it is public
select title, role || ' may ' || string_agg(distinct lower(privilege), ', ')
from grants
where is_exposed and role in ('anon', 'PUBLIC')
group by title, role
