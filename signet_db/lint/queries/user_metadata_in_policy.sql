-- level: error
-- supabase: 0015 rls_references_user_metadata
-- what: A policy reads user_metadata
-- why: People set their own user_metadata, so it proves nothing about them.
-- fix: keep roles in app_metadata, which only the service may change, or in a table of your own
select title, 'people can write it themselves'
from policies
where expressions ~ '''user_meta_?data''|raw_user_meta_data'
union
select p.title, format('through %%s: people can write it themselves', f.title)
from policies p
join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_proc'::regclass
join functions f on f.oid = d.refobjid
join pg_proc c on c.oid = f.oid
where c.prosrc ~ '''user_meta_?data''|raw_user_meta_data'
