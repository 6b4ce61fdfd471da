-- What hosted projects have preinstalled, owned by postgres as there. With PostgreSQL 17 and without these
-- extensions of its own, they are absent: bootstrap.py warns.

set role postgres;
do $$
declare
    wanted text;
    place text;
begin
    for wanted, place in
        select *
        from (values ('uuid-ossp', 'extensions'), ('pgcrypto', 'extensions'), ('pg_stat_statements', 'extensions'))
            as preinstalled (name, schema)
        where name in (select name from pg_available_extensions)
    loop
        execute format('create extension %I schema %I', wanted, place);
    end loop;
end
$$;
reset role;

-- Owned by the superuser, as there: postgres has only what the scripts grant. Schema pgsodium is what is left of
-- an extension that older projects have; their first migration names it.
create schema pgsodium;
do $$
declare
    wanted text;
begin
    for wanted in
        select name from pg_available_extensions where name in ('supabase_vault', 'pg_graphql')
    loop
        execute format('create extension %I', wanted);
    end loop;
end
$$;
