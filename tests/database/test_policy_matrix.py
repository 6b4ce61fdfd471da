"""The matrix by SQL: the role and the claims of a request set in a transaction, as the data API sets them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from signet_db.testing import as_nobody, as_role, as_user, expect_denied, expect_no_rows, new_user
from tests.database.conftest import under_both_defaults
from tests.database.policy_matrix import MATRIX, PEOPLE, Operation, Outcome

pytestmark = under_both_defaults
CELLS = [
    pytest.param(operation, who, outcome, id=f"{who}-{operation}")
    for operation in MATRIX
    for who, outcome in zip(PEOPLE, operation.outcomes, strict=True)
]


@pytest.fixture
def people(migrated: Connection[TupleRow]) -> dict[str, UUID]:
    """Add Alice and Bob with a profile each, and Charlie without; return their ids."""
    # Without these, "truncate" and "reference" would be refused for lack of a right on the schema.
    migrated.execute("grant create on schema public to anon, authenticated, service_role")
    ids = {name: new_user(migrated) for name in ("alice", "bob", "charlie")}
    for name in ("alice", "bob"):
        migrated.execute(
            "insert into public.profiles (user_id, display_name) values (%s, %s)", (ids[name], name)
        )
    row = migrated.execute("select id from public.profiles where user_id = %(alice)s", ids).fetchone()
    assert row is not None
    return {**ids, "alice_row": row[0]}


@contextmanager
def acting(connection: Connection[TupleRow], who: str, people: dict[str, UUID]) -> Iterator[None]:
    """Be one of PEOPLE for the block."""
    if who == "nobody":
        with as_nobody(connection):
            yield
    elif who == "service":
        with as_role(connection, "service_role", {"role": "service_role"}):
            yield
    else:
        with as_user(connection, people[who]):
            yield


def outcome_of(connection: Connection[TupleRow], operation: Operation, params: dict[str, Any]) -> Outcome:
    """Return how many rows the operation reaches, or the SQLSTATE of its refusal."""
    try:
        with connection.transaction(force_rollback=True):
            return connection.execute(operation.sql, params).rowcount
    except psycopg.Error as error:
        return error.sqlstate or "no SQLSTATE"


@pytest.mark.parametrize(("operation", "who", "outcome"), CELLS)
def test_matrix(
    migrated: Connection[TupleRow], people: dict[str, UUID], operation: Operation, who: str, outcome: Outcome
) -> None:
    """Every person gets exactly the rows, or the refusal, of the table."""
    migrated.execute(
        "update public.profiles set is_public = %s where user_id = %s",
        (operation.alice_is_public, people["alice"]),
    )
    with acting(migrated, who, people):
        assert outcome_of(migrated, operation, {**people, "me": people.get(who)}) == outcome


def test_the_policy_alone_keeps_the_owner(migrated: Connection[TupleRow], people: dict[str, UUID]) -> None:
    """Without the trigger that refuses it too, WITH CHECK still does, also where the row stays visible."""
    migrated.execute("alter table public.profiles disable trigger stamp_profile")
    migrated.execute("update public.profiles set is_public = true")
    with as_user(migrated, people["alice"]):
        expect_denied(migrated, "update public.profiles set user_id = %(charlie)s", people)


def test_the_database_says_when_a_row_was_made_and_changed(
    migrated: Connection[TupleRow], people: dict[str, UUID]
) -> None:
    """A client's own times are ignored, and every change has a new one."""
    with as_user(migrated, people["alice"]):
        query = "select created_at, updated_at from public.profiles where user_id = %(alice)s"
        before = migrated.execute(query, people).fetchone()
        migrated.execute("update public.profiles set created_at = '2001-01-01', updated_at = '2001-01-01'")
        after = migrated.execute(query, people).fetchone()
    assert before is not None
    assert after is not None
    assert after[0] == before[0]
    assert after[1] > before[1]


@pytest.mark.parametrize("column", ["id", "user_id", "is_public", "created_at", "updated_at"])
def test_no_row_is_without_what_every_row_has(
    migrated: Connection[TupleRow], people: dict[str, UUID], column: str
) -> None:
    """Also where the trigger that writes it is switched off."""
    migrated.execute("alter table public.profiles disable trigger stamp_profile")
    with pytest.raises(psycopg.errors.NotNullViolation):
        migrated.execute(f"update public.profiles set {column} = null".encode())


@pytest.mark.parametrize(
    "assignment",
    [
        "display_name = ''",
        "display_name = repeat('ä', 81)",
        "avatar_url = 'http://example.com/a.png'",
        "avatar_url = 'javascript:alert(1)//https://x'",
        "avatar_url = 'https://'",
        "avatar_url = 'https://' || repeat('a', 2048)",
    ],
)
def test_checks(migrated: Connection[TupleRow], people: dict[str, UUID], assignment: str) -> None:
    """What the forms refuse, the table refuses as well."""
    with pytest.raises(psycopg.errors.CheckViolation):
        migrated.execute(f"update public.profiles set {assignment}".encode())


def test_nothing_is_reached_without_a_live_session(
    migrated: Connection[TupleRow], people: dict[str, UUID]
) -> None:
    """A sign-out, an end in the past, a ban or a deletion closes the data, with the same claims as before."""
    alice = people["alice"]
    for end in (
        "delete from auth.sessions where id = %(session)s",
        "update auth.sessions set not_after = now() - interval '1 s' where id = %(session)s",
        "update auth.users set banned_until = now() + interval '1 h' where id = %(alice)s",
        "update auth.users set deleted_at = now() where id = %(alice)s",
        "update auth.sessions set user_id = %(bob)s where id = %(session)s",
    ):
        with migrated.transaction(force_rollback=True), as_user(migrated, alice) as session:
            own = {**people, "session": session}
            assert (
                migrated.execute("select 1 from public.profiles where user_id = %(alice)s", own).rowcount == 1
            )
            with as_role(migrated, "none"):
                assert migrated.execute(end, own).rowcount == 1
            expect_no_rows(migrated, "select 1 from public.profiles")
            expect_no_rows(migrated, "update public.profiles set is_public = true")
            expect_no_rows(migrated, "delete from public.profiles")
            expect_denied(migrated, "insert into public.profiles (user_id) values (%(alice)s)", own)
