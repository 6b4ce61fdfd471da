-- Common table expressions of all rules; a rule is a query that continues this one. Only the user's schemas, without
-- objects of extensions. Role 0 is PUBLIC.
with recursive api_roles as (
    select oid, rolname::text as name from pg_roles where rolname in ('anon', 'authenticated')
    union all
    select 0, 'PUBLIC'
),
relations as (
    select
        c.oid,
        c.relkind as kind,
        c.relowner as owner,
        c.relacl as acl,
        c.relrowsecurity as is_guarded,
        c.relforcerowsecurity as is_forced,
        exists (
            select from unnest(c.reloptions) as option
            where split_part(option, '=', 1) = 'security_invoker' and split_part(option, '=', 2)::boolean) as is_invoker,
        format('%%I.%%I', n.nspname, c.relname) as title,
        n.nspname as schema,
        n.nspname = any (%(exposed)s) as is_exposed
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = any (%(schemas)s)
        and not exists (
            select from pg_depend d
            where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
),
tables as (
    select * from relations where kind in ('r', 'p')
),
columns as (
    select
        t.oid as table_oid, a.attnum as number, a.attname as name, a.attnotnull as is_required, a.atttypid as type,
        a.attacl as acl, format('%%s.%%I', t.title, a.attname) as title, t.is_exposed
    from tables t
    join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
),
-- Functions that read auth.sessions, themselves or through another function.
session_functions as (
    select p.oid, n.nspname || '.' || p.proname || '(' as call
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace and n.nspname = any (%(schemas)s)
    where coalesce(nullif(p.prosrc, ''), pg_get_function_sqlbody(p.oid)) ~ '\mauth\.sessions\M'
    union
    select p.oid, n.nspname || '.' || p.proname || '('
    from session_functions s
    join pg_proc p on position(s.call in coalesce(nullif(p.prosrc, ''), pg_get_function_sqlbody(p.oid))) > 0
    join pg_namespace n on n.oid = p.pronamespace and n.nspname = any (%(schemas)s)
),
policies as (
    select
        p.oid,
        p.polcmd as command,
        p.polpermissive as is_permissive,
        p.polroles as roles,
        pg_get_expr(p.polqual, p.polrelid) as using_text,
        pg_get_expr(p.polwithcheck, p.polrelid) as check_text,
        coalesce(pg_get_expr(p.polqual, p.polrelid), '') || ' '
            || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '') as expressions,
        t.oid as table_oid,
        format('%%s "%%s"', t.title, p.polname) as title,
        t.title as table_title,
        t.schema,
        t.is_exposed,
        t.is_guarded,
        pg_get_expr(p.polqual, p.polrelid) ~ '\mauth\.sessions\M' or exists (
            select from pg_depend d
            join session_functions f on f.oid = d.refobjid
            where d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_proc'::regclass)
            as reads_sessions
    from pg_policy p
    join tables t on t.oid = p.polrelid
),
functions as (
    select
        p.oid,
        p.prosecdef as is_definer,
        p.proconfig as settings,
        p.prorettype in ('trigger'::regtype, 'event_trigger'::regtype) as is_trigger,
        l.lanname as language,
        format('%%I.%%I(%%s)', n.nspname, p.proname, oidvectortypes(p.proargtypes)) as title,
        n.nspname = any (%(exposed)s) as is_exposed,
        coalesce(p.proacl, acldefault('f', p.proowner)) as acl
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace
    join pg_language l on l.oid = p.prolang
    where n.nspname = any (%(schemas)s)
        and not exists (
            select from pg_depend d
            where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
),
-- Who may do what, with one row for each API role; owners and others are left out.
grants as (
    select r.oid, r.kind, r.title, r.is_exposed, a.privilege_type as privilege, a.grantee, api_roles.name as role
    from relations r, aclexplode(r.acl) a
    join api_roles on api_roles.oid = a.grantee
    union all
    select c.table_oid, 'r', c.title, c.is_exposed, a.privilege_type, a.grantee, api_roles.name
    from columns c, aclexplode(c.acl) a
    join api_roles on api_roles.oid = a.grantee
),
foreign_keys as (
    select
        k.oid, k.conrelid as table_oid, k.confrelid as target_oid, k.conkey as columns, k.conindid as target_index,
        format('%%s.%%I', t.title, k.conname) as title, t.title as table_title, t.is_exposed
    from pg_constraint k
    join tables t on t.oid = k.conrelid
    where k.contype = 'f' and k.conparentid = 0
)
