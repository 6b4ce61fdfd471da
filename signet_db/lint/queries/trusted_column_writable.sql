-- level: warning
-- what: People may change a column that policies of other tables trust
-- why: Who sets it in their own row has what the policy gives for it.
-- fix: revoke update on … from authenticated;  grant update (the other columns) on … to authenticated;
select distinct c.title, format('read by the policy %%s', p.title)
from policies p
join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_class'::regclass
    and d.refobjid <> p.table_oid
join columns c on c.table_oid = d.refobjid and c.number = d.refobjsubid
join policies q on q.table_oid = c.table_oid and q.is_permissive and q.command in ('w', '*')
join pg_type y on y.oid = c.type
where has_column_privilege('authenticated', c.table_oid, c.number, 'update')
    and (y.typcategory in ('B', 'E')
        or c.name ~* '(^|_)(role|roles|plan|tier|level|permission|permissions)$')
