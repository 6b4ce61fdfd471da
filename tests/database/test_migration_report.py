"""What people and programs read about migrations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.errors import Misconfigured
from signet_db import output, report
from signet_db.comparison import State, compare, to_apply
from signet_db.errors import HistoryConflict, MigrationFailed, Place
from signet_db.files import Migration
from signet_db.history import Record

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def migration(folder: Path, version: str, text: str = "select 1;") -> Migration:
    path = folder / f"{version}_m{version}.sql"
    path.write_text(text)
    return Migration.read(path)


def record(of: Migration, *, checksum: str | None = None, age: timedelta | None = None) -> Record:
    statements = tuple(statement.text for statement in of.statements)
    return Record(of.version, of.name, statements, checksum, age and NOW - age)


def test_status_names_every_state_and_the_next_step(tmp_path: Path) -> None:
    one, edited, late, other, waiting = (migration(tmp_path, v) for v in ("1", "2", "3", "4", "5"))
    records = (
        record(one, checksum=one.checksum, age=timedelta(days=3)),
        Record("2", "m2", ("select 2",), "0" * 64, NOW),
        record(other),
        Record("45", "gone", (), None, None),
    )
    entries = compare((one, edited, late, other, waiting), records)
    assert [entry.state for entry in entries] == [
        State.APPLIED,
        State.EDITED,
        State.OUT_OF_ORDER,
        State.APPLIED,
        State.MISSING,
        State.PENDING,
    ]
    assert report.status_lines(entries, NOW) == [
        "  ✓ 1   m1    3 d ago",
        "  ! 2   m2    edited after it was applied",
        "  ! 3   m3    pending, but older than one that is applied",
        "  ✓ 4   m4    by another tool",
        "  ! 45  gone  applied, but its file is missing",
        "  • 5   m5    pending",
        "2 applied, 2 pending, 1 edited, 1 without a file",
        "Next: restore the file (another branch?), or  flask db repair 45 --reverted",
    ]


def test_a_file_recorded_by_another_tool_is_compared_by_its_statements(tmp_path: Path) -> None:
    """Supabase's CLI keeps no checksum, and after its repair ours may be old."""
    one = migration(tmp_path, "1")
    for stale in (None, "0" * 64):
        assert compare((one,), (record(one, checksum=stale),))[0].state is State.APPLIED
    assert compare((one,), (Record("1", "m1", ("select 2",), None, None),))[0].state is State.EDITED
    assert compare((one,), (Record("1", None, None, None, None),))[0].state is State.APPLIED


def test_line_ends_and_last_comments_of_another_tool_are_no_edit(tmp_path: Path) -> None:
    one = migration(tmp_path, "1", "select 'a\nb';\n-- end\n")
    for statements in (("select 'a\r\nb'", "-- end"), ("select 'a\nb'",)):
        assert compare((one,), (Record("1", "m1", statements, None, None),))[0].state is State.APPLIED


def test_to_stops_after_a_version_and_must_exist(tmp_path: Path) -> None:
    entries = compare(tuple(migration(tmp_path, v) for v in ("1", "2", "3")), ())
    assert [one.version for one in to_apply(entries, to="2", include_all=False)] == ["1", "2"]
    with pytest.raises(HistoryConflict, match="no migration “9”"):
        to_apply(entries, to="9", include_all=False)


def test_an_empty_status_says_so() -> None:
    assert report.status_lines((), NOW) == ["no migrations"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "just now"), (59, "just now"), (60, "1 min ago"), (3600, "1 h ago"), (86400 * 400, "400 d ago")],
)
def test_ages(seconds: int, words: str) -> None:
    assert report.ago(timedelta(seconds=seconds)) == words


def test_a_failure_shows_file_line_caret_sqlstate_and_what_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a file below the current folder is named as one would type it
    text = "select 1;\nselect ownr;\n"
    error = MigrationFailed(
        'column "ownr" does not exist',
        hint="Correct the file.",
        place=Place.at(tmp_path / "2_notes.sql", text, text.index("ownr")),
        sqlstate="42703",
        details=("Hint: Perhaps you meant owner.",),
        kept_of_file="Nothing from this file was kept.",
    )
    error.earlier = 2
    assert output.error_lines(error) == [
        'error: column "ownr" does not exist      [migration_failed 42703]',
        "  2_notes.sql:2",
        "  select ownr;",
        "         ^",
        "  Hint: Perhaps you meant owner.",
        "  Nothing from this file was kept. 2 earlier files are applied.",
        "Next: Correct the file.",
    ]
    assert output.error_json(error) == {
        "code": "migration_failed",
        "message": 'column "ownr" does not exist',
        "hint": "Correct the file.",
        "file": "2_notes.sql",
        "line": 2,
        "column": 8,
        "sqlstate": "42703",
        "details": ["Hint: Perhaps you meant owner."],
        "kept": "Nothing from this file was kept. 2 earlier files are applied.",
    }


def test_the_code_of_an_error_of_several_lines_stands_at_its_first() -> None:
    error = Misconfigured("It ended. Its log:\n    one\n    two", hint="read it")
    assert output.error_lines(error) == [
        "error: It ended. Its log:      [misconfigured]",
        "    one",
        "    two",
        "Next: read it",
    ]
