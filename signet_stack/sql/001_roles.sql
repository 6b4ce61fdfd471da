-- The roles of a hosted project. Run once, by the bootstrap superuser supabase_admin.
-- Passwords of the stack's login roles are set by signet_stack/postgres/bootstrap.py; the other login roles have
-- none, and cannot log in.

create role postgres login createrole createdb bypassrls replication;
create role anon nologin;
create role authenticated nologin;
create role service_role nologin bypassrls;
create role authenticator login noinherit;
create role supabase_auth_admin login noinherit createrole;
create role supabase_storage_admin login noinherit createrole;
create role supabase_realtime_admin nologin noinherit;
create role supabase_functions_admin login noinherit createrole;
create role supabase_replication_admin login replication;
create role supabase_read_only_user login bypassrls;
create role supabase_etl_admin login replication bypassrls;
create role supabase_privileged_role nologin;
create role dashboard_user nologin createrole createdb replication;
create role pgbouncer login;

grant anon, authenticated, service_role to authenticator;
grant anon, authenticated, service_role, authenticator to postgres with admin option;
grant authenticator to supabase_storage_admin;
grant anon, authenticated, service_role to supabase_realtime_admin;
grant supabase_functions_admin, supabase_privileged_role to postgres;
grant supabase_privileged_role to supabase_etl_admin;
-- Not pg_read_all_data, which a hosted project's postgres has: here it would open the private signing keys.
grant pg_monitor, pg_signal_backend, pg_create_subscription to postgres with admin option;
grant pg_monitor, pg_read_all_data to supabase_read_only_user, supabase_etl_admin;

alter role postgres set search_path = "\$user", public, extensions;
alter role anon set statement_timeout = '3s';
alter role authenticated set statement_timeout = '8s';
alter role authenticator set statement_timeout = '8s';
alter role authenticator set lock_timeout = '8s';
-- The data API looks up which functions a transaction ran, to refuse DELETE and UPDATE without WHERE in them.
alter role authenticator set track_functions = 'all';
alter role supabase_auth_admin set search_path = auth;
alter role supabase_auth_admin set idle_in_transaction_session_timeout = '60s';
alter role supabase_storage_admin set search_path = storage;
alter role supabase_functions_admin set search_path = supabase_functions;
alter role supabase_read_only_user set default_transaction_read_only = on;

-- Settings that hosted projects let postgres change, for a session or for a role (supautils'
-- privileged_role_allowed_configs; PostgreSQL has no wildcard, so PostgREST's are listed one by one).
grant set on parameter
    session_replication_role, log_min_duration_statement, log_min_messages, log_statement, log_temp_files,
    log_lock_waits, log_parameter_max_length, log_replication_commands, track_io_timing, wal_compression,
    "pgrst.db_schemas", "pgrst.db_extra_search_path", "pgrst.db_max_rows", "pgrst.db_aggregates_enabled",
    "pgrst.db_plan_enabled", "pgrst.db_pre_request", "pgrst.db_anon_role", "pgrst.db_tx_end", "pgrst.jwt_aud",
    "pgrst.jwt_secret", "pgrst.openapi_mode", "pgrst.openapi_security_active",
    "pgrst.server_cors_allowed_origins", "safeupdate.enabled"
to postgres;

alter database postgres owner to postgres;

create schema extensions authorization postgres;
grant usage on schema extensions to anon, authenticated, service_role;
grant usage, create on schema extensions to dashboard_user;
grant usage on schema public to anon, authenticated, service_role;
