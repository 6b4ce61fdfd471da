-- What hosted projects have preinstalled. Created by postgres, who may drop it, as there; the objects belong to the
-- superuser, and postgres has what the scripts grant. With PostgreSQL 17, which cannot read the stack's folder of
-- extensions, some are absent: bootstrap.py warns.

create schema graphql;
create schema vault;
-- What is left of an extension that older projects have; their first migration names it.
create schema pgsodium;

set role postgres;
do $$
declare
    wanted text;
    place text;
begin
    for wanted, place in
        select preinstalled.*
        from (values
            ('uuid-ossp', 'extensions'), ('pgcrypto', 'extensions'), ('pg_stat_statements', 'extensions'),
            ('pg_graphql', 'graphql'), ('supabase_vault', 'vault')) as preinstalled (name, schema)
        where name in (select name from pg_available_extensions)
    loop
        execute format('create extension %I schema %I', wanted, place);
    end loop;
end
$$;
reset role;
