-- What hosted projects have preinstalled. Created by postgres, who may drop it, as there; the objects belong to the
-- superuser, and postgres has what the scripts grant. With PostgreSQL 17, which cannot read the stack's folder of
-- extensions, some are absent: bootstrap.py warns.

create schema graphql;
create schema vault;
-- What is left of an extension that older projects have; their first migration names it.
create schema pgsodium;
grant usage on schema pgsodium to postgres, service_role;

do $$
declare
    wanted text;
    place text;
    is_trusted boolean;
begin
    for wanted, place, is_trusted in
        select preinstalled.*, version.trusted
        from (values
            ('uuid-ossp', 'extensions'), ('pgcrypto', 'extensions'), ('pg_stat_statements', 'extensions'),
            ('pg_graphql', 'graphql'), ('supabase_vault', 'vault')) as preinstalled (name, schema)
        join pg_available_extensions using (name)
        join pg_available_extension_versions version on
            version.name = pg_available_extensions.name and version.version = default_version
    loop
        execute format('set role %I', case when is_trusted then 'postgres' else 'supabase_admin' end);
        execute format('create extension %I schema %I', wanted, place);
    end loop;
    reset role;
end
$$;
