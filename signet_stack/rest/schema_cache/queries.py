"""Queries on PostgreSQL's system catalogs, run as authenticator with an empty search_path.

Their results do not depend on the privileges of a request's role: a forbidden table is refused by PostgreSQL
(42501), an absent one by the schema cache (PGRST205).
"""

from __future__ import annotations

TABLES = """
select n.nspname, c.relname, d.description,
    coalesce((
        select array_agg(a.attname order by k.place)
        from pg_constraint p
        cross join unnest(p.conkey) with ordinality as k(number, place)
        join pg_attribute a on a.attrelid = p.conrelid and a.attnum = k.number
        where p.conrelid = c.oid and p.contype = 'p'
    ), '{}')::text[],
    c.relkind in ('r', 'p') or (u.events & 8) = 8,
    c.relkind in ('r', 'p') or (u.events & 4) = 4,
    c.relkind in ('r', 'p') or (u.events & 16) = 16,
    c.relkind in ('v', 'm')
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
left join pg_description d on d.objoid = c.oid and d.objsubid = 0 and d.classoid = 'pg_class'::regclass
cross join lateral (
    select case when c.relkind in ('v', 'f') then pg_relation_is_updatable(c.oid, true) else 0 end as events
) u
where n.nspname = any(%s) and c.relkind in ('r', 'v', 'm', 'f', 'p') and not c.relispartition
"""

COLUMNS = """
with recursive domains as (  -- and domains on domains
    select t.oid as domain, t.typbasetype as base, t.typtypmod as modifier
    from pg_type t where t.typtype = 'd'
    union all
    select d.domain, t.typbasetype, greatest(d.modifier, t.typtypmod)
    from domains d join pg_type t on t.oid = d.base and t.typtype = 'd'
), resolved as (
    select d.* from domains d join pg_type t on t.oid = d.base and t.typtype <> 'd'
)
select n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
    not (a.attnotnull or t.typtype = 'd' and t.typnotnull),
    case
        when a.attidentity <> '' then
            (select 'nextval(' || quote_literal(q.objid::regclass) || '::regclass)' from pg_depend q
             where q.refobjid = a.attrelid and q.refobjsubid = a.attnum and q.deptype = 'i')
        when a.attgenerated = '' then
            coalesce(pg_get_expr(e.adbin, e.adrelid), pg_get_expr(t.typdefaultbin, 0))
    end,
    d.description,
    case t.typtype when 'e' then (
        select array_agg(l.enumlabel::text order by l.enumsortorder) from pg_enum l where l.enumtypid = t.oid
    ) end,
    case when b.typnamespace = 'pg_catalog'::regnamespace then format_type(b.oid, null)
        else format_type(a.atttypid, a.atttypmod) end,
    case when b.oid in ('bpchar'::regtype, 'varchar'::regtype) then
        nullif(coalesce(r.modifier, a.atttypmod), -1) - 4 end
from pg_attribute a
join pg_class c on c.oid = a.attrelid
join pg_namespace n on n.oid = c.relnamespace
join pg_type t on t.oid = a.atttypid
left join resolved r on r.domain = t.oid
join pg_type b on b.oid = coalesce(r.base, t.oid)
left join pg_attrdef e on e.adrelid = a.attrelid and e.adnum = a.attnum
left join pg_description d on d.objoid = c.oid and d.objsubid = a.attnum and d.classoid = 'pg_class'::regclass
where n.nspname = any(%s) and c.relkind in ('r', 'v', 'm', 'f', 'p') and not c.relispartition
    and a.attnum > 0 and not a.attisdropped
order by a.attrelid, a.attnum
"""

# Primary and foreign keys of all schemas: views may show the keys of tables that are not exposed. A foreign
# key is one-to-one when its columns are also a primary or unique key of their table.
KEYS = """
select k.contype::text, k.conname,
    exists (
        select from pg_constraint q
        where q.conrelid = k.conrelid and q.contype in ('p', 'u')
            and q.conkey @> k.conkey and q.conkey <@ k.conkey
    ),
    n.nspname, c.relname, k.conrelid, k.conkey, x.sources,
    m.nspname, f.relname, k.confrelid, k.confkey, x.targets
from pg_constraint k
cross join lateral (
    select array_agg(s.attname::text order by p.place) as sources,
        array_agg(t.attname::text order by p.place) as targets
    from unnest(k.conkey, k.confkey) with ordinality as p(source, target, place)
    join pg_attribute s on s.attrelid = k.conrelid and s.attnum = p.source
    left join pg_attribute t on t.attrelid = k.confrelid and t.attnum = p.target
) x
join pg_class c on c.oid = k.conrelid
join pg_namespace n on n.oid = c.relnamespace
left join pg_class f on f.oid = k.confrelid
left join pg_namespace m on m.oid = f.relnamespace
where k.contype in ('p', 'f') and k.conparentid = 0 and n.nspname not in ('pg_catalog', 'information_schema')
order by k.conname
"""

# The stored query of each view, with the names of its columns by their numbers.
VIEWS = """
select c.oid, n.nspname, c.relname,
    (select array_agg(a.attnum::int order by a.attnum) from pg_attribute a
     where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
    (select array_agg(a.attname::text order by a.attnum) from pg_attribute a
     where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
    r.ev_action::text
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_rewrite r on r.ev_class = c.oid and r.rulename = '_RETURN'
where c.relkind in ('v', 'm') and n.nspname not in ('pg_catalog', 'information_schema')
"""

# Computed relationships: functions from one row type to rows of another.
COMPUTED_RELATIONS = """
select q.nspname, p.proname, n.nspname, c.relname, f.relname,
    not p.proretset or p.prorows = 1
from pg_proc p
join pg_namespace q on q.oid = p.pronamespace
join pg_class c on c.reltype = p.proargtypes[0] and c.relkind in ('r', 'v', 'm', 'f', 'p')
join pg_namespace n on n.oid = c.relnamespace
join pg_class f on f.reltype = p.prorettype and f.relkind in ('r', 'v', 'm', 'f', 'p')
    and f.relnamespace = c.relnamespace
where p.pronargs = 1 and p.prokind = 'f' and n.nspname = any(%s)
order by p.proname
"""

# Parameters as parallel arrays; unnamed ones only where the data API can fill them (a single json, text …).
ROUTINES = """
select n.nspname, p.proname, d.description, p.pronargs - p.pronargdefaults, p.provariadic <> 0,
    coalesce(i.names, '{}'), coalesce(i.types, '{}'),
    case
        when p.prorettype = 'void'::regtype then 'void'
        when t.typtype = 'c' or coalesce(p.proargmodes::text[] && '{t,b,o}', false) then 'composite'
        else 'scalar'
    end,
    p.proretset,
    case when r.relkind in ('r', 'v', 'm', 'f', 'p') and s.nspname = n.nspname then r.relname end,
    p.provolatile = 'v',
    coalesce(p.proconfig, '{}')
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
join pg_type o on o.oid = p.prorettype
join pg_type t on t.oid = case when o.typtype = 'd' then o.typbasetype else o.oid end
left join pg_class r on r.oid = t.typrelid
left join pg_namespace s on s.oid = r.relnamespace
left join pg_description d on d.objoid = p.oid and d.classoid = 'pg_proc'::regclass
cross join lateral (
    select array_agg(coalesce(a.name, '') order by a.place) as names,
        array_agg(format_type(a.type, null) order by a.place) as types
    from unnest(
        coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargnames, p.proargmodes::text[]
    ) with ordinality as a(type, name, mode, place)
    where a.type is not null and coalesce(a.mode, 'i') in ('i', 'b', 'v')
) i
where n.nspname = any(%s) and p.prokind = 'f'
    and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
"""

# Settings that any user may change, of every role that authenticator may become.
ROLES = """
select r.rolname, split_part(x.setting, '=', 1), substr(x.setting, strpos(x.setting, '=') + 1)
from pg_auth_members m
join pg_roles r on r.oid = m.roleid
cross join unnest(r.rolconfig) as x(setting)
left join pg_settings g on g.name = split_part(x.setting, '=', 1)
where m.member = current_user::regrole
    and (g.context = 'user' or has_parameter_privilege(current_user, split_part(x.setting, '=', 1), 'set'))
"""

# In-database configuration: settings of authenticator; those for this database count more.
CONFIGURATION = """
select distinct on (key) split_part(x.setting, '=', 1) as key, substr(x.setting, strpos(x.setting, '=') + 1)
from pg_db_role_setting s
cross join unnest(s.setconfig) as x(setting)
where s.setrole = current_user::regrole
    and s.setdatabase in (0, (select d.oid from pg_database d where d.datname = current_database()))
    and (x.setting like 'pgrst.%' or x.setting like 'safeupdate.enabled=%')
order by key, s.setdatabase desc
"""

# Functions whose bodies may hold a DELETE or UPDATE; those with BEGIN ATOMIC were parsed when they were made.
BODIES = r"""
select p.oid, p.prosrc
from pg_proc p
join pg_language l on l.oid = p.prolang
join pg_namespace n on n.oid = p.pronamespace
where l.lanname in ('sql', 'plpgsql') and p.prosqlbody is null
    and n.nspname not in ('pg_catalog', 'information_schema')
    and p.prosrc ~* '\m(delete\s+from|update)\M'
"""
