"""What a hosted project's database answers: objects, rights and behaviour, with where each answer was read.

Run against any database:  python -m tests.database.hosted.probes postgresql://postgres:…@…/postgres
Everything happens in one transaction of role postgres that is rolled back.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

# Where an answer was read.
IMAGE = "github.com/supabase/postgres: init scripts, migrations and supautils.conf, to October 2026"
AUTH = "github.com/supabase/auth: migrations, August 2026"
STORAGE = "github.com/supabase/storage: migrations, August 2026"
REALTIME = "github.com/supabase/realtime: migrations, August 2026"
DUMP = "public pg_dumpall of a hosted project's definitions, PostgreSQL 17.6, autumn 2026"
RUN = "the services' own migrations, run on PostgreSQL 15.18"
CONTRIB = "PostgreSQL's documentation of the extension; run on 15.18 and 18.7"
CRON = "github.com/citusdata/pg_cron 1.6"
NET = "github.com/supabase/pg_net 0.20"
VAULT = "github.com/supabase/vault 0.3"


@dataclass(frozen=True, slots=True)
class Probe:
    """One question: an SQL expression (or a statement, for errors) and the hosted answer as text."""

    ask: str
    hosted: str
    source: str
    local: str | None = None  # the local stack's own answer, explained in docs/local-stack.md
    title: str = ""

    def __str__(self) -> str:
        return self.title or " ".join(self.ask.split())


def _columns(table: str, columns: str, source: str) -> Probe:
    ask = f"""(select string_agg(
        attname || ' ' || format_type(atttypid, atttypmod) || case when attnotnull then '!' else '' end,
        ', ' order by attnum)
        from pg_attribute where attrelid = '{table}'::regclass and attnum > 0 and not attisdropped)"""
    return Probe(ask, " ".join(columns.split()), source, title=f"columns of {table}")


def _privileges(role: str, kind: str, name: str, privileges: str, source: str) -> Probe:
    names = {
        "schema": "USAGE CREATE",
        "table": "SELECT INSERT UPDATE DELETE TRUNCATE REFERENCES TRIGGER",
        "function": "EXECUTE",
    }[kind].split()
    held = " || ".join(
        f"case when has_{kind}_privilege('{role}', '{name}', '{one}') then ' {one}' else '' end"
        for one in names
    )
    return Probe(f"trim({held})", privileges, source, title=f"rights of {role} to {kind} {name}")


def _role(name: str, attributes: str) -> Probe:
    ask = f"""(select concat_ws(
        ' ', case when rolcanlogin then 'login' end, case when rolinherit then 'inherit' end,
        case when rolcreaterole then 'createrole' end, case when rolcreatedb then 'createdb' end,
        case when rolreplication then 'replication' end, case when rolbypassrls then 'bypassrls' end)
        from pg_roles where rolname = '{name}')"""
    return Probe(ask, attributes, f"{IMAGE}; {DUMP}", title=f"attributes of role {name}")


T, TS, V255 = "timestamp with time zone", "timestamp without time zone", "character varying(255)"
COLUMNS = (
    _columns(
        "auth.users",
        f"""instance_id uuid, id uuid!, aud {V255}, role {V255}, email {V255}, encrypted_password {V255},
        email_confirmed_at {T}, invited_at {T}, confirmation_token {V255}, confirmation_sent_at {T},
        recovery_token {V255}, recovery_sent_at {T}, email_change_token_new {V255}, email_change {V255},
        email_change_sent_at {T}, last_sign_in_at {T}, raw_app_meta_data jsonb, raw_user_meta_data jsonb,
        is_super_admin boolean, created_at {T}, updated_at {T}, phone text, phone_confirmed_at {T},
        phone_change text, phone_change_token {V255}, phone_change_sent_at {T}, confirmed_at {T},
        email_change_token_current {V255}, email_change_confirm_status smallint, banned_until {T},
        reauthentication_token {V255}, reauthentication_sent_at {T}, is_sso_user boolean!, deleted_at {T},
        is_anonymous boolean!""",
        AUTH,
    ),
    _columns(
        "auth.identities",
        f"""provider_id text!, user_id uuid!, identity_data jsonb!, provider text!, last_sign_in_at {T},
        created_at {T}, updated_at {T}, email text, id uuid!""",
        AUTH,
    ),
    _columns(
        "auth.sessions",
        f"""id uuid!, user_id uuid!, created_at {T}, updated_at {T}, factor_id uuid, aal auth.aal_level,
        not_after {T}, refreshed_at {TS}, user_agent text, ip inet, tag text, oauth_client_id uuid,
        refresh_token_hmac_key text, refresh_token_counter bigint, scopes text""",
        AUTH,
    ),
    _columns(
        "auth.refresh_tokens",
        f"""instance_id uuid, id bigint!, token {V255}, user_id {V255}, revoked boolean, created_at {T},
        updated_at {T}, parent {V255}, session_id uuid""",
        AUTH,
    ),
    _columns(
        "auth.mfa_factors",
        f"""id uuid!, user_id uuid!, friendly_name text, factor_type auth.factor_type!,
        status auth.factor_status!, created_at {T}!, updated_at {T}!, secret text, phone text,
        last_challenged_at {T}, web_authn_credential jsonb, web_authn_aaguid uuid,
        last_webauthn_challenge_data jsonb""",
        AUTH,
    ),
    _columns(
        "auth.mfa_challenges",
        f"""id uuid!, factor_id uuid!, created_at {T}!, verified_at {T}, ip_address inet!, otp_code text,
        web_authn_session_data jsonb""",
        AUTH,
    ),
    _columns(
        "auth.mfa_amr_claims",
        f"session_id uuid!, created_at {T}!, updated_at {T}!, authentication_method text!, id uuid!",
        AUTH,
    ),
    _columns(
        "auth.audit_log_entries",
        f"instance_id uuid, id uuid!, payload json, created_at {T}, ip_address character varying(64)!",
        AUTH,
    ),
    _columns(
        "auth.flow_state",
        f"""id uuid!, user_id uuid, auth_code text, code_challenge_method auth.code_challenge_method,
        code_challenge text, provider_type text!, provider_access_token text, provider_refresh_token text,
        created_at {T}, updated_at {T}, authentication_method text!, auth_code_issued_at {T},
        invite_token text, referrer text, oauth_client_state_id uuid, linking_target_id uuid,
        email_optional boolean!""",
        AUTH,
    ),
    _columns(
        "auth.one_time_tokens",
        f"""id uuid!, user_id uuid!, token_type auth.one_time_token_type!, token_hash text!, relates_to text!,
        created_at {TS}!, updated_at {TS}!, expires_at {T}""",
        DUMP,
    ),
    _columns("auth.schema_migrations", f"version {V255}!", AUTH),
    _columns(
        "auth.instances", f"id uuid!, uuid uuid, raw_base_config text, created_at {T}, updated_at {T}", AUTH
    ),
    _columns(
        "auth.sso_providers",
        f"id uuid!, resource_id text, created_at {T}, updated_at {T}, disabled boolean",
        AUTH,
    ),
    _columns(
        "auth.sso_domains",
        f"id uuid!, sso_provider_id uuid!, domain text!, created_at {T}, updated_at {T}",
        AUTH,
    ),
    _columns(
        "auth.saml_providers",
        f"""id uuid!, sso_provider_id uuid!, entity_id text!, metadata_xml text!, metadata_url text,
        attribute_mapping jsonb, created_at {T}, updated_at {T}, name_id_format text""",
        AUTH,
    ),
    _columns(
        "auth.saml_relay_states",
        f"""id uuid!, sso_provider_id uuid!, request_id text!, for_email text, redirect_to text,
        created_at {T}, updated_at {T}, flow_state_id uuid""",
        AUTH,
    ),
    _columns(
        "auth.oauth_consents",
        f"id uuid!, user_id uuid!, client_id uuid!, scopes text!, granted_at {T}!, revoked_at {T}",
        AUTH,
    ),
    _columns(
        "storage.buckets",
        f"""id text!, name text!, owner uuid, created_at {T}, updated_at {T}, public boolean,
        avif_autodetection boolean, file_size_limit bigint, allowed_mime_types text[], owner_id text,
        type storage.buckettype!, versioning_status text!""",
        STORAGE,
    ),
    _columns(
        "storage.objects",
        f"""id uuid!, bucket_id text, name text, owner uuid, created_at {T}, updated_at {T},
        last_accessed_at {T}, metadata jsonb, path_tokens text[], version text, owner_id text,
        user_metadata jsonb, archived_at {T}, is_delete_marker boolean!, is_versioned boolean!""",
        STORAGE,
    ),
    _columns(
        "storage.s3_multipart_uploads",
        f"""id text!, in_progress_size bigint!, upload_signature text!, bucket_id text!, key text!,
        version text!, owner_id text, created_at {T}!, user_metadata jsonb, metadata jsonb""",
        STORAGE,
    ),
    _columns(
        "realtime.messages",
        f"""topic text!, extension text!, payload jsonb, event text, private boolean, updated_at {TS}!,
        inserted_at {TS}!, id uuid!, binary_payload bytea""",
        REALTIME,
    ),
    _columns(
        "vault.secrets",
        f"""id uuid!, name text, description text!, secret text!, key_id uuid, nonce bytea, created_at {T}!,
        updated_at {T}!""",
        VAULT,
    ),
    _columns(
        "vault.decrypted_secrets",
        f"""id uuid, name text, description text, secret text, decrypted_secret text, key_id uuid,
        nonce bytea, created_at {T}, updated_at {T}""",
        VAULT,
    ),
    _columns(
        "supabase_functions.hooks",
        f"id bigint!, hook_table_id integer!, hook_name text!, created_at {T}!, request_id bigint",
        IMAGE,
    ),
)

ROLES = (
    _role("postgres", "login inherit createrole createdb replication bypassrls"),
    _role("anon", "inherit"),
    _role("authenticated", "inherit"),
    _role("service_role", "inherit bypassrls"),
    _role("authenticator", "login"),
    _role("supabase_auth_admin", "login createrole"),
    _role("supabase_storage_admin", "login createrole"),
    _role("supabase_replication_admin", "login inherit replication"),
    _role("supabase_read_only_user", "login inherit bypassrls"),
    _role("supabase_etl_admin", "login inherit replication bypassrls"),
    _role("dashboard_user", "inherit createrole createdb replication"),
    Probe("(select rolsuper from pg_roles where rolname = 'postgres')", "false", IMAGE),
    Probe(
        "(select array_agg(c order by c) from pg_db_role_setting, unnest(setconfig) c"
        " where setrole = 'anon'::regrole)",
        "{statement_timeout=3s}",
        DUMP,
    ),
    Probe(
        "(select array_agg(c order by c) from pg_db_role_setting, unnest(setconfig) c"
        " where setrole = 'authenticator'::regrole and c like '%timeout%')",
        "{lock_timeout=8s,statement_timeout=8s}",
        DUMP,
    ),
    Probe("current_setting('search_path')", '"\\$user", public, extensions', DUMP),
    Probe("pg_has_role('postgres', 'authenticator', 'member')", "true", DUMP),
    Probe("pg_has_role('postgres', 'pg_monitor', 'member with admin option')", "true", DUMP),
    Probe("pg_has_role('postgres', 'pg_create_subscription', 'member')", "true", DUMP),
    Probe("pg_has_role('postgres', 'pg_read_all_data', 'member')", "true", DUMP, local="false"),
    Probe("pg_has_role('postgres', 'supabase_auth_admin', 'member')", "false", DUMP),
    Probe("pg_has_role('postgres', 'supabase_storage_admin', 'member')", "false", DUMP),
    Probe("pg_has_role('authenticator', 'service_role', 'usage')", "false", DUMP),
    Probe("pg_has_role('authenticator', 'service_role', 'member')", "true", DUMP),
)


def _schemas() -> Iterator[Probe]:
    held = {
        "auth": ("USAGE", "USAGE", "supabase_admin"),
        "storage": ("USAGE", "USAGE", "supabase_admin"),
        "realtime": ("USAGE", "USAGE", "supabase_admin"),
        "extensions": ("USAGE CREATE", "USAGE", "postgres"),
        "public": ("USAGE CREATE", "USAGE", "pg_database_owner"),
        "vault": ("USAGE", "", "supabase_admin"),
        "graphql_public": ("USAGE", "USAGE", "supabase_admin"),
    }
    for schema, (postgres, api, owner) in held.items():
        yield _privileges("postgres", "schema", schema, postgres, DUMP)
        yield _privileges("authenticated", "schema", schema, api, DUMP)
        yield Probe(
            f"(select nspowner::regrole::text from pg_namespace where nspname = '{schema}')", owner, DUMP
        )


ALL = "SELECT INSERT UPDATE DELETE TRUNCATE REFERENCES TRIGGER"
GRANTS = (
    *_schemas(),
    _privileges("postgres", "table", "auth.users", ALL, DUMP),
    _privileges("authenticated", "table", "auth.users", "", DUMP),
    _privileges("service_role", "table", "auth.users", "", DUMP),
    _privileges("dashboard_user", "table", "auth.sessions", ALL, DUMP),
    _privileges("postgres", "table", "auth.schema_migrations", "SELECT", DUMP),
    _privileges("anon", "table", "storage.objects", ALL, STORAGE),
    _privileges("authenticated", "table", "storage.buckets", ALL, STORAGE),
    _privileges("anon", "table", "storage.migrations", "", STORAGE),
    _privileges("anon", "table", "storage.s3_multipart_uploads", "SELECT", STORAGE),
    _privileges("authenticated", "table", "realtime.messages", "SELECT INSERT UPDATE", DUMP),
    _privileges("postgres", "table", "vault.secrets", "SELECT DELETE TRUNCATE REFERENCES", DUMP),
    _privileges("service_role", "table", "vault.secrets", "SELECT DELETE", VAULT),
    _privileges("authenticated", "table", "vault.secrets", "", VAULT),
    _privileges("anon", "function", "auth.uid()", "EXECUTE", AUTH),
    _privileges("anon", "function", "storage.foldername(text)", "EXECUTE", STORAGE),
    _privileges("authenticated", "function", "realtime.topic()", "EXECUTE", REALTIME),
    _privileges("anon", "function", "vault.create_secret(text, text, text, uuid)", "", VAULT),
    Probe("has_database_privilege('anon', current_database(), 'temporary')", "true", DUMP),
    Probe(
        "(select bool_and(relrowsecurity) from pg_class where relnamespace in ('storage'::regnamespace)"
        " and relkind = 'r')",
        "true",
        STORAGE,
    ),
    Probe("(select relrowsecurity from pg_class where oid = 'realtime.messages'::regclass)", "true", RUN),
    Probe("(select relrowsecurity from pg_class where oid = 'auth.users'::regclass)", "true", AUTH),
    Probe(
        "(select count(*) from pg_policy where polrelid in ('storage.objects'::regclass,"
        " 'auth.users'::regclass, 'realtime.messages'::regclass))",
        "0",
        DUMP,
    ),
)

# Created by postgres without a superuser's help.
CREATABLE = (
    "vector, moddatetime, dblink, postgres_fdw, bloom, autoinc, insert_username, refint, pgstattuple,"
    " pgrowlocks, pg_prewarm, pg_walinspect, dict_xsyn, citext, pg_trgm, unaccent, hstore, ltree,"
    " btree_gist, pg_cron, pg_net, http, pgmq, pg_jsonschema, hypopg, plpgsql_check, pg_tle"
)
EXTENSIONS = (
    *(
        Probe(f"(select extnamespace::regnamespace from pg_extension where extname = '{name}')", schema, DUMP)
        for name, schema in {
            "uuid-ossp": "extensions",
            "pgcrypto": "extensions",
            "pg_stat_statements": "extensions",
            "supabase_vault": "vault",
        }.items()
    ),
    *(Probe(f'create extension "{name}"', "created", IMAGE) for name in CREATABLE.split(", ")),
    Probe("create extension earthdistance cascade", "created", IMAGE),
    Probe("create extension adminpack", "0A000", IMAGE),
    Probe("create extension file_fdw", "42501", IMAGE),
    Probe("create extension postgis", "created", IMAGE, local="0A000"),
    Probe(
        "uuid_generate_v5(uuid_ns_dns(), 'www.example.com')", "2ed6657d-e927-568b-95e1-2665a8aea6a2", CONTRIB
    ),
    Probe("length(uuid_generate_v4()::text)", "36", CONTRIB),
    Probe("encode(digest('abc', 'sha1'), 'hex')", "a9993e364706816aba3e25717850c26c9cd0d89d", CONTRIB),
    Probe("gen_salt('bf') like '$2a$06$%'", "true", CONTRIB),
    Probe(
        "crypt('foox', '$2a$04$RQiOJ.3ELirrXwxIZY8q0O') like '$2a$04$RQiOJ.3ELirrXwxIZY8q0O%'",
        "true",
        CONTRIB,
    ),
    Probe("length(gen_random_bytes(16))", "16", CONTRIB),
    Probe("convert_from(decrypt(encrypt('a', 'k', 'aes'), 'k', 'aes'), 'UTF8')", "a", CONTRIB, local="0A000"),
    Probe("pgp_sym_decrypt(pgp_sym_encrypt('a', 'k'), 'k')", "a", CONTRIB, local="0A000"),
)

MAKE_TABLE = "create table public.probe (id int primary key); "
BEHAVIOUR = (
    *(
        Probe(f"storage.{function}('{path}')::text", answer, RUN)
        for path, answers in {
            "a/b/c.png": ("{a,b}", "c.png", "png"),
            "c.png": ("{}", "c.png", "png"),
            "a/b.tar.gz": ("{a}", "b.tar.gz", "gz"),
            "/x.png": ('{""}', "x.png", "png"),
            "a/": ("{a}", "", ""),
            "noext": ("{}", "noext", "noext"),
        }.items()
        for function, answer in zip(("foldername", "filename", "extension"), answers, strict=True)
    ),
    Probe("storage.operation()", "null", STORAGE),
    Probe("storage.allow_only_operation('object.get')", "false", STORAGE),
    Probe("delete from storage.objects", "42501", RUN),
    Probe("delete from storage.buckets where false", "42501", RUN),
    Probe("set storage.allow_delete_query = 'true'; delete from storage.objects", "done", RUN),
    Probe("insert into storage.buckets (id, name) values ('b', repeat('b', 101))", "P0001", STORAGE),
    Probe("select storage.can_insert_object('nosuch', 'a', null, null)", "23503", STORAGE),
    Probe("create table storage.mine (id int)", "42501", DUMP),
    Probe("alter table storage.objects enable row level security", "42501", IMAGE),
    Probe("create policy probe on storage.objects for select using (true)", "done", IMAGE),
    Probe("create policy probe on realtime.messages for select using (true)", "done", IMAGE),
    Probe("create policy probe on auth.schema_migrations for select using (true)", "42501", IMAGE),
    Probe("create policy probe on auth.users using (true); drop policy probe on auth.users", "done", IMAGE),
    Probe(
        "create function public.probe() returns trigger language plpgsql as 'begin return new; end';"
        " create trigger probe after insert on auth.users for each row execute function public.probe();"
        " drop trigger probe on auth.users",
        "done",
        IMAGE,
    ),
    Probe("alter table auth.users add column mine text", "42501", DUMP),
    Probe("create function auth.mine() returns int language sql return 1", "42501", DUMP),
    Probe("drop function auth.uid()", "42501", DUMP),
    Probe("set role supabase_auth_admin", "42501", DUMP),
    Probe("set role service_role", "done", DUMP),
    Probe("set session_replication_role = replica", "done", IMAGE),
    Probe("set log_min_duration_statement = 0", "done", IMAGE),
    Probe("alter role authenticator set pgrst.db_schemas = 'public, api'", "done", IMAGE),
    Probe("alter role authenticator set statement_timeout = '20s'", "done", IMAGE),
    Probe("alter database postgres set app.settings.x = '1'", "42501", IMAGE),
    Probe("set app.settings.x = '1'", "done", IMAGE),
    Probe("alter role supabase_admin nologin", "42501", IMAGE),
    Probe("create role probe superuser", "42501", IMAGE),
    Probe("create role probe login password 'x'", "done", IMAGE),
    Probe("grant pg_read_server_files to postgres", "42501", IMAGE),
    Probe(
        "alter default privileges for role supabase_admin in schema public grant all on tables to anon",
        "42501",
        DUMP,
    ),
    Probe("copy (select 1) to program 'true'", "42501", IMAGE),
    Probe(
        "(select pubowner::regrole from pg_publication where pubname = 'supabase_realtime')", "postgres", DUMP
    ),
    Probe("(select puballtables from pg_publication where pubname = 'supabase_realtime')", "false", DUMP),
    Probe(MAKE_TABLE + "alter publication supabase_realtime add table public.probe", "done", IMAGE),
    Probe(
        MAKE_TABLE + "alter publication supabase_realtime add table public.probe;"
        " alter publication supabase_realtime add table public.probe",
        "42710",
        IMAGE,
    ),
    Probe("drop publication supabase_realtime; create publication supabase_realtime", "done", IMAGE),
    Probe("create publication probe for all tables", "done", IMAGE, local="42501"),
    Probe(
        "create function public.probe() returns event_trigger language plpgsql as 'begin end';"
        " create event trigger probe on ddl_command_end execute function public.probe()",
        "done",
        IMAGE,
        local="42501",
    ),
    Probe("alter role anon rename to probe", "42501", IMAGE, local="done"),
    Probe("realtime.topic()", "null", REALTIME),
    Probe("select realtime.send('{}', 'e', 't', true); select realtime.send('{}', 'e', null)", "done", RUN),
    Probe("realtime.broadcast_changes('t', 'e', 'MERGE', 't', 's', null, null)", "P0001", RUN),
    Probe("auth.uid()", "null", AUTH),
    Probe("auth.role()", "null", AUTH),
    Probe("set request.jwt.claims = 'x'; select auth.uid()", "22P02", AUTH),
    Probe("insert into vault.secrets (secret) values ('x')", "42501", VAULT),
    Probe("select vault.create_secret('a', 'n'); select vault.create_secret('b', 'n')", "23505", VAULT),
    Probe("create extension pg_cron; select cron.schedule('a', '0 3 * * *', 'select 1')", "done", CRON),
    Probe("create extension pg_cron; select cron.schedule('a', '61 3 * * *', 'select 1')", "22023", CRON),
    Probe("create extension pg_cron; select cron.schedule('a', '30 seconds', 'select 1')", "done", CRON),
    Probe("create extension pg_cron; select cron.unschedule('nosuch')", "XX000", CRON),
    Probe(
        "create extension pg_cron; insert into cron.job (schedule, command) values ('a', 'b')", "42501", CRON
    ),
    Probe("create extension pg_net; select net.http_get('https://example.com')", "done", NET),
    Probe(
        "create extension pg_net; select net.http_post('https://a', headers => '"
        """{"Content-Type": "text/a"}')""",
        "P0001",
        NET,
    ),
    Probe("insert into auth.users (id) values (gen_random_uuid())", "done", AUTH),
    Probe(
        "insert into auth.users (id, confirmation_token)"
        " select gen_random_uuid(), '' from generate_series(1, 2)",
        "done",
        AUTH,
    ),
    Probe(
        "insert into auth.users (id, confirmation_token)"
        " select gen_random_uuid(), 'a' from generate_series(1, 2)",
        "23505",
        AUTH,
    ),
    Probe("insert into auth.identities (provider_id, provider) values ('a', 'b')", "23502", AUTH),
)

PROBES = (*COLUMNS, *ROLES, *GRANTS, *EXTENSIONS, *BEHAVIOUR)
_STATEMENTS = ("create", "alter", "drop", "insert", "delete", "set", "select", "grant", "copy")


def answer(connection: Connection[TupleRow], probe: Probe) -> str:
    """Return what a database answers, as text: a value, "null", "done", or the SQLSTATE of the error."""
    is_statement = probe.ask.split()[0].lower() in _STATEMENTS
    connection.execute("savepoint probe")
    try:
        if is_statement:
            connection.execute(probe.ask.encode())
            return "created" if probe.ask.startswith("create extension") and ";" not in probe.ask else "done"
        row = connection.execute(f"select ({probe.ask})::text".encode()).fetchone()
        return "null" if row is None or row[0] is None else str(row[0])
    except psycopg.Error as error:
        return error.sqlstate or str(error)
    finally:
        connection.execute("rollback to probe")


def main(url: str) -> int:
    """Print every answer that differs from a hosted project's; return 1 if there is one."""
    with psycopg.connect(url) as connection:
        differing = [(probe, got) for probe in PROBES if (got := answer(connection, probe)) != probe.hosted]
        connection.rollback()
    for probe, got in differing:
        print(f"{probe}\n    hosted: {probe.hosted}\n    here:   {got}\n    source: {probe.source}")
    print(f"{len(PROBES)} probes, {len(differing)} differ")
    return int(bool(differing))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
