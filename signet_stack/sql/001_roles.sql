-- The roles of a hosted project. Run once, by the bootstrap superuser supabase_admin.
-- Login passwords are set by signet_stack/postgres/cluster.py; none is written here.

create role postgres login createrole createdb bypassrls replication;
create role anon nologin noinherit;
create role authenticated nologin noinherit;
create role service_role nologin noinherit bypassrls;
create role authenticator login noinherit;
create role supabase_auth_admin login noinherit createrole;

grant anon, authenticated, service_role to authenticator;
grant anon, authenticated, service_role, authenticator to postgres with admin option;
-- Not pg_read_all_data, which a hosted project's postgres has: here it would open the private signing keys.
grant pg_monitor, pg_signal_backend to postgres;

alter role authenticator set statement_timeout = '8s';
alter role anon set statement_timeout = '3s';
alter role authenticated set statement_timeout = '8s';
alter role supabase_auth_admin set search_path = auth;
alter role supabase_auth_admin set idle_in_transaction_session_timeout = '60s';
alter role postgres set search_path = "$user", public, extensions;

alter database postgres owner to postgres;
-- A temporary table can shadow what a security definer function names, so nobody makes one by default.
revoke temporary on database postgres from public;

create schema extensions authorization postgres;
grant usage on schema extensions to anon, authenticated, service_role;
grant usage on schema public to anon, authenticated, service_role;

-- As in new hosted projects: nothing is exposed without a GRANT of its own. PostgreSQL itself lets PUBLIC
-- execute every new function; that default goes too.
alter default privileges for role postgres revoke execute on functions from public;
