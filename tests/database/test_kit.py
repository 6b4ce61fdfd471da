"""The policy kit cannot be green for the wrong reason."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from signet_db.files import Migration
from signet_db.rehearsal import applied
from signet_db.testing import (
    as_user,
    controls,
    expect_denied,
    expect_no_rows,
    expect_own_only,
    new_user,
)
from tests.database.broken_schemas import Case, cases

TABLE = """
create table public.notes (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default auth.uid() references auth.users on delete cascade,
    title text
);
alter table public.notes enable row level security;
revoke all on public.notes from public, anon, authenticated, service_role;
grant select, insert, update, delete on public.notes to authenticated;
create policy "own" on public.notes for all to authenticated
using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
"""
# The faults of the corpus that concern whose notes are whose.
OF_NOTES = (
    "check_always_true",
    "delete_always_true",
    "insert_for_others",
    "read_always_true",
    "read_column_with_itself",
    "read_true_by_arithmetic",
    "read_true_by_role",
    "read_true_in_other_words",
    "rls_off",
    "take_over",
    "truncate_granted",
    "union_of_policies",
    "update_always_true",
)


@pytest.fixture
def notes(migrated: Connection[TupleRow]) -> tuple[Connection[TupleRow], UUID, UUID]:
    """Add a table of notes, alice with a note, and bob; return the connection and both ids."""
    migrated.execute(TABLE.encode())
    alice, bob = new_user(migrated), new_user(migrated)
    migrated.execute("insert into public.notes (user_id, title) values (%s, 'hers')", (alice,))
    return migrated, alice, bob


Notes = tuple[Connection[TupleRow], UUID, UUID]


def claim(connection: Connection[TupleRow], path: str) -> str | None:
    row = connection.execute("select current_setting('request.jwt.claims')::jsonb #>> %s", (f"{{{path}}}",))
    found = row.fetchone()
    return found[0] if found else None


def test_a_user_has_the_claims_of_a_token(migrated: Connection[TupleRow]) -> None:
    alice = new_user(migrated, "alice@example.com", app_metadata={"org": 1}, user_metadata={"name": "Alice"})
    with as_user(migrated, alice, aal="aal2", app_metadata={"role": "admin"}) as session:
        assert claim(migrated, "email") == "alice@example.com"
        assert claim(migrated, "aal") == "aal2"
        assert claim(migrated, "amr,1,method") == "totp"
        assert claim(migrated, "app_metadata,role") == "admin"
        assert claim(migrated, "app_metadata,org") == "1"
        assert claim(migrated, "app_metadata,provider") == "email"
        assert claim(migrated, "user_metadata,name") == "Alice"
        assert claim(migrated, "is_anonymous") == "false"
        assert int(claim(migrated, "exp") or 0) > int(claim(migrated, "iat") or 0)
    row = migrated.execute("select aal::text from auth.sessions where id = %s", (session,)).fetchone()
    assert row == ("aal2",)
    with as_user(migrated, new_user(migrated, is_anonymous=True)):
        assert claim(migrated, "is_anonymous") == "true"


def test_no_rows_proves_nothing_where_there_is_none(notes: Notes) -> None:
    connection, alice, bob = notes
    with as_user(connection, bob):
        expect_no_rows(connection, "select from public.notes where title = 'hers'", owner=alice)
        with pytest.raises(AssertionError, match="proves nothing"):
            expect_no_rows(connection, "select from public.notes where title = 'hres'")
        with pytest.raises(AssertionError, match="the owner reaches no row either"):
            expect_no_rows(connection, "select from public.notes where title = 'hers'", owner=bob)
    with as_user(connection, alice), pytest.raises(AssertionError, match="but reached 1"):
        expect_no_rows(connection, "select from public.notes")


def test_denied_names_what_refused(notes: Notes) -> None:
    connection, alice, bob = notes
    connection.execute("revoke update on public.notes from authenticated")
    connection.execute(
        "create function public.refuse() returns trigger language plpgsql as"
        " $$ begin raise exception 'never' using errcode = 'insufficient_privilege'; end $$"
    )
    connection.execute(
        "create trigger refuse before delete on public.notes for each row execute function public.refuse()"
    )
    forged = "insert into public.notes (user_id) values (%s)"
    with as_user(connection, bob):
        expect_denied(connection, forged, [alice], by="policy")
        expect_denied(connection, "update public.notes set title = ''", by="grant")
        with pytest.raises(AssertionError, match="by the grant, got one by policy"):
            expect_denied(connection, forged, [alice], by="grant")
        with pytest.raises(AssertionError, match="it passed with 1 row"):
            expect_denied(connection, forged, [bob])
    with as_user(connection, alice):
        expect_denied(connection, "delete from public.notes", by="trigger")
        with pytest.raises(AssertionError, match="by the policy, got one by trigger"):
            expect_denied(connection, "delete from public.notes", by="policy")


def test_own_only_needs_a_row_that_the_owner_reads(notes: Notes) -> None:
    connection, alice, bob = notes
    expect_own_only(connection, "public.notes", alice, bob)
    with pytest.raises(AssertionError, match="has no row of the owner"):
        expect_own_only(connection, "public.notes", bob, alice)
    connection.execute("drop policy own on public.notes")
    with pytest.raises(AssertionError, match="the owner reads no row"):
        expect_own_only(connection, "public.notes", alice, bob)


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=case.name) for case in cases() if case.name in OF_NOTES]
)
def test_own_only_catches_every_fault_about_owners(case: Case, unchanging: str, tmp_path: Path) -> None:
    """Its right twin passes."""
    with pytest.raises(AssertionError, match="not the owner's own"):
        check_notes(unchanging, tmp_path, case.broken)
    check_notes(unchanging, tmp_path, case.right)


def check_notes(unchanging: str, folder: Path, text: str) -> None:
    (folder / "1_notes.sql").write_text(text)
    with applied(unchanging, [Migration.read(folder / "1_notes.sql")], "test") as rehearsal:
        connection = rehearsal.connection
        alice, bob = new_user(connection), new_user(connection)
        connection.execute("insert into public.notes (user_id, title) values (%s, 'hers')", (alice,))
        expect_own_only(connection, "public.notes", alice, bob)


def test_controls_demand_that_policies_can_turn_a_check_red(notes: Notes) -> None:
    connection, _, bob = notes

    def good() -> None:
        with as_user(connection, bob):
            expect_no_rows(connection, "select from public.notes")

    def blind() -> None:
        with as_user(connection, bob):
            assert connection.execute("select from public.notes where title = 'hres'").rowcount == 0

    controls(connection, "public.notes", good)
    with pytest.raises(AssertionError, match=r"passes although every policy is using \(true\)"):
        controls(connection, "public.notes", blind)
    good()  # everything is as it was
