-- level: error
-- supabase: 0015 rls_references_user_metadata
-- what: A policy reads user_metadata
-- why: People set their own user_metadata, so it proves nothing about them.
-- fix: keep roles in app_metadata, which only the service may change, or in a table of your own
select title, 'people can write it themselves'
from policies
where expressions ~ 'user_meta_?data'
