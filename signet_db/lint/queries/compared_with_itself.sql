-- level: error
-- what: A policy compares a column with itself
-- why: A name without a table means the innermost one: the condition always holds, and the policy ignores the row.
-- fix: qualify the outer column:  m.org_id = projects.org_id
select title, substring(expressions from '(?:^|[ (])((\w+\.)?\w+ = (?:\2)?\w+)\)') || ' always holds'
from policies
where expressions ~ '(^|[ (])((\w+\.)?\w+) = \2(\)|$| )'
