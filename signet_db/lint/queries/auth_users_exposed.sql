-- level: error
-- supabase: 0002 auth_users_exposed
-- what: A view shows auth.users through the data API
-- why: E-mail addresses and other personal data of all users are open to every role that reads the view.
-- fix: keep what others may see in a table of your own, such as profiles
select distinct r.title, format('shows auth.users to %%s', g.role)
from relations r
join grants g on g.oid = r.oid and g.privilege = 'SELECT'
join pg_rewrite w on w.ev_class = r.oid
join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid
    and d.refclassid = 'pg_class'::regclass
where r.is_exposed and r.kind in ('v', 'm') and d.refobjid = to_regclass('auth.users')
