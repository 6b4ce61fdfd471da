"""A person sees and ends their own sessions and account, and nobody else's."""

from __future__ import annotations

from uuid import UUID

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from signet_db.testing import as_nobody, as_role, as_user, claims_of, expect_denied, new_session, new_user
from tests.database.conftest import under_both_defaults

pytestmark = under_both_defaults


def sessions_of(connection: Connection[TupleRow], user_id: UUID) -> int:
    """Return how many sessions the user has."""
    return connection.execute("select from auth.sessions where user_id = %s", (user_id,)).rowcount


def test_lists_own_sessions_only(migrated: Connection[TupleRow]) -> None:
    alice, bob = new_user(migrated), new_user(migrated)
    other = new_session(migrated, alice)
    new_session(migrated, bob)
    with as_user(migrated, alice) as session:
        rows = migrated.execute("select id, is_current from public.list_my_sessions()").fetchall()
    assert sorted(rows) == sorted([(session, True), (other, False)])


def test_ends_one_own_session_with_its_refresh_tokens(migrated: Connection[TupleRow]) -> None:
    alice = new_user(migrated)
    other = new_session(migrated, alice)
    migrated.execute(
        "insert into auth.refresh_tokens (token, session_id) values (%s, %s)", (other.hex, other)
    )
    with as_user(migrated, alice) as session:
        assert migrated.execute("select public.end_my_session(%s)", (other,)).fetchone() == (True,)
        assert migrated.execute("select public.end_my_session(%s)", (other,)).fetchone() == (False,)
        assert migrated.execute("select id from public.list_my_sessions()").fetchall() == [(session,)]
    tokens = migrated.execute("select from auth.refresh_tokens where session_id = %s", (other,))
    assert tokens.rowcount == 0


def test_cannot_end_the_session_of_somebody_else(migrated: Connection[TupleRow]) -> None:
    alice, bob = new_user(migrated), new_user(migrated)
    theirs = new_session(migrated, bob)
    with as_user(migrated, alice):
        assert migrated.execute("select public.end_my_session(%s)", (theirs,)).fetchone() == (False,)
    assert sessions_of(migrated, bob) == 1


def test_deletes_the_own_account_with_everything(migrated: Connection[TupleRow]) -> None:
    alice, bob = new_user(migrated), new_user(migrated)
    for owner in (alice, bob):
        migrated.execute("insert into public.profiles (user_id) values (%s)", (owner,))
    new_session(migrated, bob)
    with as_user(migrated, alice):
        migrated.execute("select public.delete_my_account()")
    rows = migrated.execute("select id from auth.users where id in (%s, %s)", (alice, bob)).fetchall()
    assert rows == [(bob,)]
    owners = migrated.execute("select user_id from public.profiles where user_id in (%s, %s)", (alice, bob))
    assert owners.fetchall() == [(bob,)]
    assert (sessions_of(migrated, alice), sessions_of(migrated, bob)) == (0, 1)


def test_lists_sessions_by_their_last_use(migrated: Connection[TupleRow]) -> None:
    """The most recently used first; a session that was never refreshed counts from its start."""
    migrated.execute("set local timezone = 'Pacific/Auckland'")
    alice = new_user(migrated)
    ids = [new_session(migrated, alice) for _ in range(3)]
    for session_id, created, refreshed in zip(ids, (5, 3, 9), (4, None, 2), strict=True):
        migrated.execute(
            """
            update auth.sessions set created_at = now() - make_interval(hours => %s),
                refreshed_at = (now() - make_interval(hours => %s)) at time zone 'UTC' where id = %s
            """,
            (created, refreshed, session_id),
        )
    with as_user(migrated, alice) as session:
        rows = migrated.execute(
            "select id, (now() - last_refreshed_at) = interval '2 hours' from public.list_my_sessions()"
        ).fetchall()
    assert rows == [(session, None), (ids[2], True), (ids[1], None), (ids[0], False)]


def test_my_profile_is_the_own_one_and_names_an_ended_session(migrated: Connection[TupleRow]) -> None:
    """Without other people's public ones; an error of its own tells an ended session from no row."""
    alice, bob = new_user(migrated), new_user(migrated)
    migrated.execute("insert into public.profiles (user_id, is_public) values (%s, true)", (bob,))
    query = "select user_id from public.my_profile()"
    with as_user(migrated, alice):
        assert migrated.execute(query).fetchall() == []
        migrated.execute("insert into public.profiles (display_name) values ('Alice')")
        assert migrated.execute(query).fetchall() == [(alice,)]
    with as_role(migrated, "authenticated", claims_of(alice, UUID(int=0))):
        expect_denied(migrated, "select * from public.my_profile()", sqlstate="PT401")


CALLS = (
    "public.list_my_sessions()",
    "public.end_my_session(gen_random_uuid())",
    "public.delete_my_account()",
)


@pytest.mark.parametrize("call", [*CALLS, "private.session_is_live()"])
def test_nobody_and_service_may_not_call_them(migrated: Connection[TupleRow], call: str) -> None:
    """They lack the right itself; that the functions refuse them as well is a second lock."""
    name = call.replace("gen_random_uuid()", "uuid")
    query = "select bool_or(has_function_privilege(role, %s, 'execute')) from unnest(%s::text[]) role"
    assert migrated.execute(query, (name, ["public", "anon", "service_role"])).fetchone() == (False,)
    with as_nobody(migrated):
        expect_denied(migrated, f"select {call}")  # type: ignore[arg-type]
    with as_role(migrated, "service_role", {"role": "service_role"}):
        expect_denied(migrated, f"select {call}")  # type: ignore[arg-type]


def test_nothing_works_after_the_session_ended(migrated: Connection[TupleRow]) -> None:
    """The token of a session that is gone neither lists, ends nor deletes."""
    alice = new_user(migrated)
    other = new_session(migrated, alice)
    with as_role(migrated, "authenticated", claims_of(alice, UUID(int=0))):
        assert migrated.execute("select * from public.list_my_sessions()").fetchall() == []
        expect_denied(migrated, "select public.end_my_session(%s)", (other,))
        expect_denied(migrated, "select public.delete_my_account()")
    assert sessions_of(migrated, alice) == 1
