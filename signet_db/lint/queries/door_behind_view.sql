-- level: error
-- what: An invoker view reads a relation that passes policies
-- why: The rights of the caller end at the inner view: it runs with its owner's rights.
-- fix: alter view … set (security_invoker = true)  for the inner view too
, reads as (
    select distinct w.ev_class as reader, d.refobjid as read
    from pg_rewrite w
    join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid
        and d.refclassid = 'pg_class'::regclass and d.refobjid <> w.ev_class
),
paths as (
    select r.oid as outer_oid, r.title as outer_title, x.read as inner_oid
    from relations r
    join reads x on x.reader = r.oid
    where r.is_exposed and r.kind = 'v' and r.is_invoker
        and exists (select from grants g where g.oid = r.oid and g.privilege = 'SELECT')
    union
    select p.outer_oid, p.outer_title, x.read
    from paths p
    join relations i on i.oid = p.inner_oid and i.kind = 'v' and i.is_invoker
    join reads x on x.reader = p.inner_oid
)
select p.outer_title, format('reads %%s, a %%s', i.title,
    case i.kind when 'm' then 'materialized view' else 'view with its owner''s rights' end)
from paths p
join relations i on i.oid = p.inner_oid
where i.kind = 'm' or i.kind = 'v' and not i.is_invoker
