-- Queries of relations.py, cut at the "-- name" lines.
-- name: tables
select
    c.oid::int8 as oid, n.nspname::text as schema, c.relname::text as name, format('%%I.%%I', n.nspname, c.relname) as title,
    n.nspname = any (%(exposed)s) as is_exposed, c.relrowsecurity as has_rls,
    case when c.relispartition then (select inhparent::int8 from pg_inherits where inhrelid = c.oid) end as partition_of,
    c.relhasrules as has_rules, c.relkind = 'p' as is_partitioned,
    exists (select from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal) as has_triggers
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any (%(schemas)s) and c.relkind in ('r', 'p')
    and not exists (
        select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
order by 4

-- name: columns
select
    c.oid::int8 as oid, a.attname::text as name,
    case when e.oid is not null then e.typname else b.typname end::text as type,
    b.typcategory::text as category,
    case when b.typname in ('varchar', 'bpchar') and greatest(a.atttypmod, t.typtypmod) > 4
        then greatest(a.atttypmod, t.typtypmod) - 4 end as length,
    e.oid is not null as is_array,
    a.attnotnull or t.typnotnull as is_required,
    a.atthasdef or a.attidentity <> '' or t.typdefault is not null as has_default,
    a.attgenerated <> '' or a.attidentity = 'a' as is_generated,
    array(select l.enumlabel::text from pg_enum l where l.enumtypid = coalesce(e.oid, b.oid) order by l.enumsortorder) as labels
from pg_class c
join pg_namespace n on n.oid = c.relnamespace and n.nspname = any (%(schemas)s)
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_type t on t.oid = a.atttypid
join pg_type b on b.oid = coalesce(nullif(t.typbasetype, 0), t.oid)
left join pg_type e on e.oid = b.typelem and b.typcategory = 'A'
where c.relkind in ('r', 'p')
    and not exists (
        select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
order by c.oid, a.attnum

-- name: constraints
with keys as (
    select
        k.conrelid, k.conname, k.contype::text as kind, k.conkey, k.confkey, k.confrelid, k.confdeltype, k.oid
    from pg_constraint k
    where k.contype in ('p', 'u', 'c', 'f') and k.conrelid <> 0 and (k.contype <> 'f' or k.conparentid = 0)
    union all
    select i.indrelid, x.relname, 'u', i.indkey::int2[], null, 0, ' ', 0
    from pg_index i
    join pg_class x on x.oid = i.indexrelid
    where i.indisunique and i.indexprs is null
        and not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u'))
)
select
    k.conrelid::int8 as oid, k.conname::text as name, k.kind,
    array(select a.attname::text from unnest(k.conkey) with ordinality as o (number, place)
        join pg_attribute a on a.attrelid = k.conrelid and a.attnum = o.number order by o.place) as columns,
    k.confrelid::int8 as target,
    (select format('%%I.%%I', tn.nspname, t.relname) from pg_class t join pg_namespace tn on tn.oid = t.relnamespace
        where t.oid = k.confrelid) as target_title,
    array(select a.attname::text from unnest(k.confkey) with ordinality as o (number, place)
        join pg_attribute a on a.attrelid = k.confrelid and a.attnum = o.number order by o.place) as target_columns,
    k.confdeltype in ('c', 'n', 'd') as cascades,
    case when k.kind = 'c' then pg_get_constraintdef(k.oid) end as text
from keys k
join pg_class c on c.oid = k.conrelid and c.relkind in ('r', 'p')
join pg_namespace n on n.oid = c.relnamespace and n.nspname = any (%(schemas)s)
where not exists (
    select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')

-- name: policies
select
    p.polrelid::int8 as oid, p.polname::text as name, p.polcmd::text as command, p.polpermissive as is_permissive,
    array(select case r when 0 then 'public' else pg_get_userbyid(r)::text end from unnest(p.polroles) as r) as roles,
    coalesce(pg_get_expr(p.polqual, p.polrelid), '') || ' ' || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '')
        as text,
    array(select distinct a.attname::text from pg_depend d
        join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
        where d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refobjid = p.polrelid) as columns,
    exists (select from pg_depend d
        join pg_proc f on f.oid = d.refobjid
        join pg_namespace fn on fn.oid = f.pronamespace and fn.nspname = any (%(schemas)s)
        where d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_proc'::regclass) as calls_ours
from pg_policy p
join pg_class c on c.oid = p.polrelid
join pg_namespace n on n.oid = c.relnamespace and n.nspname = any (%(schemas)s)
order by p.polrelid, p.polname

-- name: rights
select
    c.oid::int8 as oid, r.rolname::text as role,
    array_remove(array_agg(case when has_column_privilege(r.oid, c.oid, a.attnum, 'select') then a.attname::text end), null)
        as select,
    array_remove(array_agg(case when has_column_privilege(r.oid, c.oid, a.attnum, 'insert') then a.attname::text end), null)
        as insert,
    array_remove(array_agg(case when has_column_privilege(r.oid, c.oid, a.attnum, 'update') then a.attname::text end), null)
        as update,
    has_table_privilege(r.oid, c.oid, 'delete') as delete,
    has_table_privilege(r.oid, c.oid, 'truncate') as truncate
from pg_class c
join pg_namespace n on n.oid = c.relnamespace and n.nspname = any (%(exposed)s)
join pg_roles r on r.rolname in ('anon', 'authenticated') and has_schema_privilege(r.oid, n.oid, 'usage')
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relkind in ('r', 'p', 'v', 'm')
group by c.oid, r.oid, r.rolname

-- name: views
select
    c.oid::int8 as oid, format('%%I.%%I', n.nspname, c.relname) as title, format('%%I.%%I', n.nspname, c.relname) as sql,
    c.relkind = 'm' as is_materialized,
    exists (select from unnest(c.reloptions) as o where o ~* '^security_invoker=(true|on|1|yes)$') as is_invoker,
    array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        order by a.attnum) as columns,
    array(select a.attname::text from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and a.atttypid in ('text'::regtype, 'varchar'::regtype)
        order by a.attnum) as text_columns
from pg_class c
join pg_namespace n on n.oid = c.relnamespace and n.nspname = any (%(exposed)s)
where c.relkind in ('v', 'm')
    and not exists (
        select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
order by 2

-- name: functions
select
    format('%%I.%%I(%%s)', n.nspname, p.proname, oidvectortypes(p.proargtypes)) as title,
    format('%%I.%%I', n.nspname, p.proname) as sql, p.prosecdef as is_definer, p.pronargdefaults as defaults,
    (select array_agg(coalesce(name, '') order by place) from unnest(p.proargnames) with ordinality as a (name, place)
        where p.proargmodes is null or p.proargmodes[place] in ('i', 'b', 'v')) as names,
    array(select format_type(t, null) from unnest(p.proargtypes) with ordinality as a (t, place) order by place) as types,
    array(select r.rolname::text from pg_roles r where r.rolname in ('anon', 'authenticated')
        and has_function_privilege(r.oid, p.oid, 'execute') and has_schema_privilege(r.oid, n.oid, 'usage')) as roles
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace and n.nspname = any (%(exposed)s)
where p.prokind = 'f' and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
    and not exists (
        select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
order by 1

-- name: sources
select coalesce(pg_get_expr(p.polqual, p.polrelid), '') || ' ' || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '') as source
from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any (%(schemas)s)
union all
select coalesce(nullif(p.prosrc, ''), pg_get_function_sqlbody(p.oid), '')
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where n.nspname = any (%(schemas)s) and p.prokind = 'f'
    and not exists (
        select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
union all
select pg_get_viewdef(c.oid) from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any (%(schemas)s) and c.relkind in ('v', 'm')

-- name: session_functions
with recursive session_functions as (
    select p.oid, n.nspname || '.' || p.proname || '(' as call
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace and n.nspname = any (%(schemas)s)
    where coalesce(nullif(p.prosrc, ''), pg_get_function_sqlbody(p.oid), '') ~ '\mauth\.sessions\M'
    union
    select p.oid, n.nspname || '.' || p.proname || '('
    from session_functions s
    join pg_proc p on position(s.call in coalesce(nullif(p.prosrc, ''), pg_get_function_sqlbody(p.oid), '')) > 0
    join pg_namespace n on n.oid = p.pronamespace and n.nspname = any (%(schemas)s)
)
select call as name from session_functions
