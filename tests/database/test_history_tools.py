"""Repair, reset and wait: what they change, what they leave alone, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from signet_db import reset, runner
from signet_db.comparison import State
from signet_db.errors import (
    DatabaseUnreachable,
    FileRefused,
    HistoryConflict,
    MigrationError,
    MigrationFailed,
)
from signet_db.runner import ignore
from signet_db.target import Holder, wait_until_ready
from tests.database.conftest import ask
from tests.database.paths import MIGRATIONS

Write = Callable[[str, str], Path]


def nobody_waits(holder: Holder | None) -> None:
    pytest.fail(f"waited for {holder}")


def states(target: str, folder: Path) -> list[State]:
    return [entry.state for entry in runner.status(target, folder)]


def test_repair_records_what_was_made_by_hand(target: str, folder: Path, write: Write) -> None:
    """The file is recorded and not run; doing it twice changes nothing."""
    write("1_one.sql", "create table one ();")
    assert reset.mark_applied(target, folder, "1", nobody_waits) is True
    assert reset.mark_applied(target, folder, "1", nobody_waits) is False
    assert states(target, folder) == [State.APPLIED]
    assert ask(target, "select to_regclass('public.one')") == [(None,)]


def test_repair_accepts_an_edit(target: str, folder: Path, write: Write) -> None:
    path = write("1_one.sql", "create table one ();")
    runner.upgrade(target, folder)
    path.write_text("-- better said\ncreate table one ();")
    assert states(target, folder) == [State.EDITED]
    assert reset.mark_applied(target, folder, "1", nobody_waits) is True
    assert states(target, folder) == [State.APPLIED]


def test_repair_takes_a_record_away(target: str, folder: Path, write: Write) -> None:
    write("1_one.sql", "create table one ();").rename(folder / "2_one.sql")
    write("1_one.sql", "create table if not exists one ();")
    runner.upgrade(target, folder, to="1")
    assert reset.mark_reverted(target, folder, "1", nobody_waits) is True
    assert reset.mark_reverted(target, folder, "1", nobody_waits) is False
    assert states(target, folder) == [State.PENDING, State.PENDING]
    assert ask(target, "select * from supabase_migrations.signet_files") == []


@pytest.mark.parametrize(
    ("version", "words"), [("9", "There is no migration “9”"), ("1", "There is no file for 1")]
)
def test_repair_needs_something_to_record(
    target: str, folder: Path, write: Write, version: str, words: str
) -> None:
    path = write("1_one.sql", "create table one ();")
    runner.upgrade(target, folder)
    path.unlink()
    with pytest.raises(HistoryConflict, match=words):
        reset.mark_applied(target, folder, version, nobody_waits)


def test_reset_builds_the_same_again_and_keeps_accounts(target: str) -> None:
    """Tables, other schemas and extensions of migrations go; users, grants and owner of public stay."""
    public = "select nspowner::regrole::text, nspacl::text from pg_namespace where nspname = 'public'"
    runner.upgrade(target, MIGRATIONS)
    before = ask(target, public)
    user = uuid4()
    with psycopg.connect(target) as connection:
        connection.execute("create schema other create table things ()")
        connection.execute("create extension pg_trgm with schema extensions")
        connection.execute("insert into auth.users (id) values (%s)", (user,))
        connection.execute("insert into public.profiles (user_id) values (%s)", (user,))
    losses = {loss.table: loss.rows for loss in reset.losses(target)}
    assert (losses["other.things"], losses["public.profiles"]) == (0, 1)
    assert len(reset.reset(target, MIGRATIONS, ignore)) == len(list(MIGRATIONS.glob("*.sql")))
    assert ask(target, "select to_regclass('other.things'), to_regproc('extensions.similarity')") == [
        (None, None)
    ]
    assert ask(target, "select count(*) from public.profiles") == [(0,)]
    assert ask(target, "select id from auth.users") == [(user,)]
    assert ask(target, public) == before
    assert set(states(target, MIGRATIONS)) == {State.APPLIED}


def test_reset_drops_nothing_when_there_is_nothing_to_build_from(
    target: str, folder: Path, write: Write
) -> None:
    write("1_one.sql", "create table one ();")
    runner.upgrade(target, folder)
    for text in ("select 'never ends", "create table two (); commit;"):
        write("2_two.sql", text)
        with pytest.raises(FileRefused):
            reset.reset(target, folder, ignore)
    assert ask(target, "select to_regclass('public.one') is not null") == [(True,)]


def test_reset_refuses_a_server_elsewhere(
    unchanging: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What counts is where the connection goes, not what the connection string says."""
    monkeypatch.setattr(psycopg.ConnectionInfo, "hostaddr", "203.0.113.7")
    for refused in (lambda: reset.losses(unchanging), lambda: reset.reset(unchanging, folder, ignore)):
        with pytest.raises(MigrationError, match="is not on this machine"):
            refused()


def test_reset_does_not_even_connect_to_what_names_another_machine(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psycopg, "connect", lambda *_, **__: pytest.fail("connected"))
    hosted = "postgresql://postgres:x@db.abcdefghij.supabase.co:5432/postgres"
    for refused in (lambda: reset.losses(hosted), lambda: reset.reset(hosted, folder, ignore)):
        with pytest.raises(MigrationError, match="is not on this machine"):
            refused()


def test_wait_gives_up_with_the_reason() -> None:
    """It tries until the time is over, and says why it failed."""
    now = iter(range(100))
    failures: list[DatabaseUnreachable] = []
    with pytest.raises(DatabaseUnreachable, match="Connection refused"):
        wait_until_ready(
            "postgresql://postgres@127.0.0.1:1/postgres",
            3,
            failures.append,
            clock=lambda: float(next(now)),
            sleep=lambda seconds: None,
        )
    assert len(failures) == 2


def test_wait_does_not_wait_for_what_never_comes(unchanging: str) -> None:
    """A wrong password or a missing database will not mend itself."""
    missing = psycopg.conninfo.make_conninfo(unchanging, dbname="nowhere")
    wrong = psycopg.conninfo.make_conninfo(unchanging, password="wrong")
    for unreachable in (missing, wrong):
        with pytest.raises(DatabaseUnreachable):
            wait_until_ready(unreachable, 60, lambda error: pytest.fail(str(error)))
    assert wait_until_ready(unchanging, 60, lambda error: pytest.fail(str(error))) < 60


def test_what_cannot_run_in_a_transaction_runs_without_one(target: str, folder: Path, write: Write) -> None:
    write("1_one.sql", "create table one (a int);")
    write("2_index.sql", "-- signet: no-transaction\ncreate index concurrently on one (a);\nvacuum one;")
    assert len(runner.upgrade(target, folder)) == 2
    assert set(states(target, folder)) == {State.APPLIED}
    assert ask(target, "select count(*) from pg_indexes where tablename = 'one'") == [(1,)]


def test_an_index_that_failed_is_mentioned(target: str, folder: Path, write: Write) -> None:
    """It is there, invalid; “if not exists” would pass over it."""
    write("1_one.sql", "create table one (a int); insert into one values (1), (1);")
    write("2_two.sql", "-- signet: no-transaction\ncreate unique index concurrently one_a on one (a);")
    with pytest.raises(MigrationFailed, match="could not create unique index") as caught:
        runner.upgrade(target, folder)
    assert "may be there, invalid: drop it before the next run" in caught.value.kept
    assert ask(target, "select indisvalid from pg_index where indexrelid = 'one_a'::regclass") == [(False,)]


def test_a_failure_without_a_transaction_says_what_stays(target: str, folder: Path, write: Write) -> None:
    """The line is right in the middle of a file, and the file is not recorded."""
    write(
        "1_one.sql", "-- signet: no-transaction\ncreate table one (a int);\n\n-- wrong:\nselect b from one;"
    )
    with pytest.raises(MigrationFailed) as caught:
        runner.upgrade(target, folder)
    assert caught.value.place is not None
    assert caught.value.place.line == 5
    assert "1 of its 2 statements are done; what they committed stays" in caught.value.kept
    assert "invalid" not in caught.value.kept
    assert ask(target, "select to_regclass('public.one') is not null") == [(True,)]
    assert states(target, folder) == [State.PENDING]
