-- level: error
-- what: A policy trusts a header of the request
-- why: Every client sets headers as it likes: they say nothing about who it is.
-- fix: keep the value in app_metadata, or in a table that a policy can read
select title, 'reads ' || substring(expressions from 'request\.(?:headers?|cookies?|method|path)')
from policies
where expressions ~ '''request\.(headers?|cookies?|method|path)'
