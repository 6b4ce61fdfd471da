"""Who may do what with the objects of our migrations, completely, under both sets of default privileges."""

from __future__ import annotations

from psycopg import Connection
from psycopg.rows import TupleRow

from signet_db.testing import as_user, new_session, new_user
from tests.database.conftest import under_both_defaults

pytestmark = under_both_defaults
API_ROLES = "unnest(array['anon', 'authenticated', 'service_role']) as role"
OURS = "in ('public'::regnamespace, 'private'::regnamespace)"
ROWS = {"SELECT", "INSERT", "UPDATE", "DELETE"}


def test_rights_to_tables(migrated: Connection[TupleRow]) -> None:
    rows = migrated.execute(
        f"""
        select relname, role, array_agg(privilege)
        from pg_class, {API_ROLES}, unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE',
            'REFERENCES', 'TRIGGER', 'MAINTAIN']) as privilege
        where relnamespace {OURS} and relkind in ('r', 'p', 'v') and has_table_privilege(role, oid, privilege)
        group by 1, 2
        """.encode()
    ).fetchall()
    rights = {(table, role): set(privileges) for table, role, privileges in rows}
    profiles = {
        role: rights.pop(("profiles", role), set()) for role in ("anon", "authenticated", "service_role")
    }
    assert profiles == {"anon": set(), "authenticated": ROWS, "service_role": ROWS}
    assert all(role != "anon" and held <= ROWS for (_, role), held in rights.items())


def test_rights_to_functions(migrated: Connection[TupleRow]) -> None:
    """Only people who are signed in call functions; trigger functions are called by no role."""
    rows = migrated.execute(
        f"""
        select oid::regprocedure::text, role from pg_proc, {API_ROLES}
        where pronamespace {OURS} and has_function_privilege(role, oid, 'execute')
        """.encode()
    ).fetchall()
    assert {role for _, role in rows} == {"authenticated"}
    triggers = migrated.execute(
        f"select oid::regprocedure::text from pg_proc where pronamespace {OURS}"
        " and prorettype = 'trigger'::regtype".encode()
    ).fetchall()
    assert triggers
    assert {name for (name,) in triggers}.isdisjoint(name for name, _ in rows)


def test_one_private_function_is_for_policies(migrated: Connection[TupleRow]) -> None:
    """The others serve triggers and functions of their owner."""
    rows = migrated.execute(
        f"select proname from pg_proc, {API_ROLES} where pronamespace = 'private'::regnamespace"
        " and has_function_privilege(role, oid, 'execute')".encode()
    ).fetchall()
    assert rows == [("session_is_live",)]


def test_rights_to_schema_private(migrated: Connection[TupleRow]) -> None:
    rows = migrated.execute(
        f"select role, privilege from {API_ROLES}, unnest(array['USAGE', 'CREATE']) as privilege"
        " where has_schema_privilege(role, 'private', privilege)".encode()
    ).fetchall()
    assert rows == [("authenticated", "USAGE")]


def test_row_level_security_is_on_and_holds_for_the_owner_too(migrated: Connection[TupleRow]) -> None:
    rows = migrated.execute(
        f"select relname from pg_class where relnamespace {OURS} and relkind in ('r', 'p')"
        " and not (relrowsecurity and relforcerowsecurity)".encode()
    ).fetchall()
    assert rows == []


def test_a_client_cannot_say_when_its_row_was_made(migrated: Connection[TupleRow]) -> None:
    user = new_user(migrated)
    with as_user(migrated, user):
        row = migrated.execute(
            "insert into public.profiles (display_name, created_at, updated_at)"
            " values ('Ada', '2000-01-01', '2000-01-01')"
            " returning created_at >= now(), updated_at >= now()"
        ).fetchone()
    assert row == (True, True)


def test_an_account_that_is_deleted_takes_only_its_own_flows_along(migrated: Connection[TupleRow]) -> None:
    ada, bob = new_user(migrated), new_user(migrated)
    for user in (ada, bob):
        migrated.execute(
            "insert into auth.flow_state (id, user_id, provider_type, authentication_method)"
            " values (gen_random_uuid(), %s, 'email', 'magiclink')",
            (user,),
        )
    with as_user(migrated, ada):
        migrated.execute("select public.delete_my_account()")
    assert migrated.execute("select user_id from auth.flow_state").fetchall() == [(bob,)]


def test_a_session_past_its_end_is_not_listed(migrated: Connection[TupleRow]) -> None:
    user = new_user(migrated)
    ended = new_session(migrated, user)
    migrated.execute(
        "update auth.sessions set not_after = now() - interval '1 second' where id = %s", (ended,)
    )
    with as_user(migrated, user):
        rows = migrated.execute("select id from public.list_my_sessions()").fetchall()
    assert (ended,) not in rows
    assert len(rows) == 1
