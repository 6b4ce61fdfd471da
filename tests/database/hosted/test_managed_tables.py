"""What postgres may do with the tables of the services: triggers and policies, and nothing else."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from signet_stack.postgres.cluster import SUPERUSER, Cluster
from tests.conftest import new_database

ALLOWED = {
    "replace a trigger of one's own": """
        create function public.handle() returns trigger language plpgsql as 'begin return new; end';
        create trigger on_auth_user_created after insert on auth.users
            for each row execute function public.handle();
        drop trigger on_auth_user_created on auth.users;
        create or replace trigger on_auth_user_created after insert on auth.users
            for each row execute function public.handle();
        drop trigger if exists on_auth_user_created on "auth"."users"
    """,
    "policies of storage.objects": """
        create policy "Anyone reads avatars" on storage.objects for select using (bucket_id = 'avatars');
        alter policy "Anyone reads avatars" on storage.objects using (bucket_id in ('avatars', 'public'));
        alter policy "Anyone reads avatars" on storage.objects rename to "Avatars";
        comment on policy "Avatars" on storage.objects is 'for pages';
        drop policy "Avatars" on storage.objects;
        drop policy if exists "Avatars" on storage.objects
    """,
    "a policy that calls a function of a private schema": """
        create schema private;
        create function private.may_read(bucket text) returns boolean language sql return bucket = 'a';
        create policy p on storage.objects for select using (private.may_read(bucket_id));
        create policy p on realtime.messages for select to authenticated using (realtime.topic() = 'room')
    """,
    "inside a function": """
        do $$ begin execute 'create policy p on storage.' || 'buckets for select using (true)'; end $$;
        do $$ begin execute format('drop policy p on %s', 'storage.buckets'); end $$
    """,
    "by search_path": """
        set search_path = storage, public;
        create policy p on objects for select using (true);
        drop policy p on objects
    """,
    "policies of one's own tables": """
        create table public.t (id int);
        create policy p on public.t using (true);
        comment on table public.t is 'auth.users';
        comment on policy p on public.t is 'auth.users';
        drop policy p on public.t
    """,
}
REFUSED = {
    "a policy elsewhere": "create policy p on auth.schema_migrations using (true)",
    "a policy of storage.migrations": "create policy p on storage.migrations using (true)",
    "a comment on a table": "comment on table auth.users is 'comment on policy x'",
    "a comment on a function": "comment on function auth.uid() is 'comment on policy x'",
    "a comment in a function": "do $$ begin comment on column auth.users.email is 'mine'; end $$",
    "row-level security": "alter table storage.objects disable row level security",
    "a column": "alter table auth.users add column mine text",
    "a function in auth": "create function auth.mine() returns int language sql return 1",
    "auth.uid()": "drop function auth.uid()",
    "a table of the service": "drop table auth.sessions",
    "a trigger of the stack's own": (
        "drop trigger signing_keys_always_one_in_use on signet_stack.signing_key_rows"
    ),
    "membership": "set role supabase_auth_admin",
    "granting ownership": "select signet_hosted.revoke_ownership()",
}


@pytest.mark.parametrize("statements", ALLOWED.values(), ids=ALLOWED)
def test_allowed(blank: Connection[TupleRow], statements: str) -> None:
    blank.execute(statements.encode())
    assert _memberships(blank) == []


@pytest.mark.parametrize("statement", REFUSED.values(), ids=REFUSED)
def test_refused(blank: Connection[TupleRow], statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        blank.execute(statement.encode())


def test_a_failed_statement_leaves_no_membership(blank: Connection[TupleRow]) -> None:
    blank.execute("savepoint s")
    with pytest.raises(psycopg.errors.UndefinedColumn):
        blank.execute("create policy p on storage.objects using (nosuch = 1)")
    blank.execute("rollback to s")
    assert _memberships(blank) == []


def test_only_postgres_is_granted_ownership(cluster: Cluster) -> None:
    with new_database(cluster) as name, psycopg.connect(cluster.dsn("authenticator", name)) as connection:
        connection.execute("set role anon")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("create policy p on storage.objects using (true)")


def test_code_that_runs_within_the_statement_cannot_read_signing_keys(cluster: Cluster) -> None:
    """A literal of a composite type runs the checks of its domains while the policy is parsed."""
    with new_database(cluster) as name:
        with psycopg.connect(cluster.dsn(SUPERUSER, name)) as admin:
            admin.execute(
                "insert into signet_stack.signing_keys (algorithm, status, private_jwk, public_jwk,"
                " created_at, updated_at) values ('ES256', 'in_use', '{}', '{}', now(), now())"
            )
        with psycopg.connect(cluster.dsn("postgres", name)) as connection:
            connection.execute("""
                create table public.stolen (members bigint, keys bigint);
                create function public.steal(text) returns boolean language plpgsql as $$
                begin
                    insert into public.stolen select
                        (select count(*) from pg_auth_members where member = 'postgres'::regrole
                            and roleid = 'supabase_auth_admin'::regrole),
                        (select count(*) from signet_stack.signing_keys);
                    return true;
                end $$;
                create domain public.sly as text check (public.steal(value));
                create type public.box as (content public.sly);
                create policy p on storage.objects using ('(x)'::public.box is not null)
            """)
            assert connection.execute("select * from public.stolen").fetchall() == [(1, 0)]


def _memberships(connection: Connection[TupleRow]) -> list[TupleRow]:
    return connection.execute(
        "select roleid::regrole from pg_auth_members where member = 'postgres'::regrole"
        " and roleid::regrole::text in"
        " ('supabase_auth_admin', 'supabase_storage_admin', 'supabase_realtime_admin')"
    ).fetchall()
