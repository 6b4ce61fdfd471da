"""The data closes when a session passes a limit of the project, before Auth refuses its next refresh."""

from __future__ import annotations

from uuid import UUID

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from signet_db.testing import as_role, claims_of, expect_denied, new_session, new_user

Rows = Connection[TupleRow]


@pytest.fixture
def session(migrated: Rows) -> tuple[UUID, UUID]:
    """Return the ids of a user with a profile and of a session."""
    user_id = new_user(migrated)
    migrated.execute("insert into public.profiles (user_id) values (%s)", (user_id,))
    return user_id, new_session(migrated, user_id)


def limit(connection: Rows, column: str, value: object) -> None:
    connection.execute(f"update private.session_limits set {column} = %s".encode(), (value,))


def make_older(connection: Rows, session: tuple[UUID, UUID]) -> None:
    older = "update auth.sessions set created_at = now() - interval '1 minute' where id = %s"
    connection.execute(older, session[1:])


def sees(connection: Rows, session: tuple[UUID, UUID]) -> tuple[int, int]:
    """Return how many profiles and how many sessions the session's token opens."""
    with as_role(connection, "authenticated", claims_of(*session)):
        profiles = connection.execute("select from public.profiles").rowcount
        return profiles, connection.execute("select from public.list_my_sessions()").rowcount


@pytest.mark.parametrize(
    ("column", "value", "age", "refreshed", "is_open"),
    [
        ("timebox", None, "10 years", None, True),
        ("timebox", "1 hour", "59 minutes", None, True),
        ("timebox", "1 hour", "61 minutes", "1 minute", False),
        ("inactivity_timeout", "1 hour", "3 hours", "59 minutes", True),
        ("inactivity_timeout", "1 hour", "3 hours", "61 minutes", False),
        ("inactivity_timeout", "1 hour", "59 minutes", None, True),
        ("inactivity_timeout", "1 hour", "61 minutes", None, False),
    ],
)
def test_time_limits_close_the_data(
    migrated: Rows,
    session: tuple[UUID, UUID],
    column: str,
    value: object,
    age: str,
    refreshed: str,
    is_open: bool,
) -> None:
    migrated.execute(
        "set local timezone = 'Pacific/Auckland'"
    )  # refreshed_at is in UTC, whatever the session says
    limit(migrated, column, value)
    migrated.execute(
        """
        update auth.sessions set created_at = now() - %s::interval,
            refreshed_at = (now() - %s::interval) at time zone 'UTC' where id = %s
        """,
        (age, refreshed, session[1]),
    )
    assert sees(migrated, session) == ((1, 1) if is_open else (0, 0))


@pytest.mark.parametrize(("end", "is_open"), [("1 minute", True), ("-1 minute", False)])
def test_the_end_of_a_session_closes_the_data(
    migrated: Rows, session: tuple[UUID, UUID], end: str, is_open: bool
) -> None:
    migrated.execute(
        "update auth.sessions set not_after = now() + %s::interval where id = %s", (end, session[1])
    )
    assert sees(migrated, session) == ((1, 1) if is_open else (0, 0))


@pytest.mark.parametrize("is_single", [True, False])
def test_a_newer_login_closes_the_data_of_the_older_session(
    migrated: Rows, session: tuple[UUID, UUID], is_single: bool
) -> None:
    """Only where the project allows one session per user; another user's login changes nothing."""
    limit(migrated, "single_per_user", is_single)
    migrated.execute(
        "update auth.sessions set created_at = now() - interval '1 minute' where id = %s", session[1:]
    )
    new_session(migrated, new_user(migrated))
    assert sees(migrated, session) == (1, 1)
    newer = (session[0], new_session(migrated, session[0]))
    assert sees(migrated, session) == ((0, 0) if is_single else (1, 2))
    assert sees(migrated, newer) == ((1, 1) if is_single else (1, 2))


def test_a_session_of_another_app_is_not_replaced(migrated: Rows, session: tuple[UUID, UUID]) -> None:
    limit(migrated, "single_per_user", True)
    migrated.execute(
        "update auth.sessions set created_at = now() - interval '1 minute' where id = %s", session[1:]
    )
    other = new_session(migrated, session[0])
    migrated.execute("update auth.sessions set tag = 'other app' where id = %s", (other,))
    assert sees(migrated, session) == (1, 2)


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
def test_the_limits_are_out_of_reach(migrated: Rows, role: str) -> None:
    with as_role(migrated, role):
        expect_denied(migrated, "select * from private.session_limits")
        expect_denied(migrated, "update private.session_limits set timebox = null")
        expect_denied(migrated, "select private.live_sessions()")


def test_there_is_one_row_of_limits_that_make_sense(migrated: Rows) -> None:
    expect_denied(migrated, "insert into private.session_limits default values", sqlstate="23505")
    expect_denied(migrated, "insert into private.session_limits (is_only) values (false)", sqlstate="23514")
    expect_denied(migrated, "update private.session_limits set timebox = '-1 second'", sqlstate="23514")
    expect_denied(migrated, "update private.session_limits set inactivity_timeout = '0'", sqlstate="23514")
    expect_denied(migrated, "update private.session_limits set single_per_user = null", sqlstate="23502")


def test_the_list_has_no_session_past_a_limit(migrated: Rows, session: tuple[UUID, UUID]) -> None:
    """Also where the caller's own session is live."""
    limit(migrated, "timebox", "30 seconds")
    make_older(migrated, session)
    current = (session[0], new_session(migrated, session[0]))
    assert sees(migrated, current) == (1, 1)
