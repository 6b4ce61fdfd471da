"""Migration files: which are found, how they are read, and what is refused with which next step."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from signet_db import files
from signet_db.errors import FileRefused, Place
from signet_db.files import check, table_text


def write(folder: Path, name: str, content: bytes | str = "select 1;") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_finds_files_in_the_order_of_their_versions_as_text(tmp_path: Path) -> None:
    """As Supabase's CLI does: 0001 < 2 < 20260101000000."""
    for name in ("20260101000000_c.sql", "2_b.sql", "0001_a b.sql", "seed.sql", "README.md"):
        write(tmp_path, name)
    (tmp_path / "20270101000000_folder.sql").mkdir()
    assert [(one.version, one.name) for one in files.find(tmp_path)] == [
        ("0001", "a b"),
        ("2", "b"),
        ("20260101000000", "c"),
    ]
    assert [path.name for path in files.ignored(tmp_path)] == ["seed.sql"]


def test_line_ends_and_byte_order_mark_do_not_count(tmp_path: Path) -> None:
    """The same migration has the same checksum after a checkout on another system."""
    plain = files.Migration.read(write(tmp_path, "1_a.sql", "select 1;\nselect 2;\n"))
    other = files.Migration.read(write(tmp_path, "2_a.sql", "\ufeffselect 1;\r\nselect 2;\r\n"))
    assert other.text == plain.text
    assert other.checksum == plain.checksum


@pytest.mark.parametrize(
    ("content", "message", "line"),
    [
        (b"select 1;\nselect '\xff';", "not UTF-8", 2),
        ("select 1;\n\nselect '\0';", "NUL", 3),
        ("select 1;\n  select 'a", "A string begins here and never ends", 2),
        ("-- signet: no-transactoin\nselect 1;", "is not a directive", 1),
    ],
)
def test_text_that_cannot_be_a_migration(
    tmp_path: Path, content: bytes | str, message: str, line: int
) -> None:
    with pytest.raises(FileRefused, match=message) as caught:
        check(files.Migration.read(write(tmp_path, "1_a.sql", content)))
    assert caught.value.place is not None
    assert caught.value.place.line == line
    assert caught.value.hint


def test_duplicate_versions_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "1_a.sql")
    write(tmp_path, "1_b.sql")
    with pytest.raises(FileRefused, match=r"version 1: 1_a\.sql and 1_b\.sql"):
        files.find(tmp_path)


def test_a_missing_folder_is_explained(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="There is no folder") as caught:
        files.find(tmp_path / "nowhere")
    assert "flask db new" in caught.value.hint


def test_a_folder_that_cannot_be_read_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_dir", refuse)
    with pytest.raises(FileRefused, match="cannot be read: Permission denied") as caught:
        files.find(tmp_path)
    assert caught.value.hint == "Check the folder and its permissions."


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("select 1;\ncommit;", 2),
        ("/* why */ BEGIN;", 1),
        ("select 1;\n-- why\nEND", 3),
        ("start\ntransaction read only;", 1),
        ("select ';commit'; rollback", 1),
        ("savepoint a;", 1),
        ("release a;", 1),
        ("abort;", 1),
        ("prepare transaction 'x';", 1),
    ],
)
def test_transaction_control_is_refused_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(FileRefused, match="each file is one transaction") as caught:
        check(files.Migration.read(write(tmp_path, "1_a.sql", text)))
    assert caught.value.place is not None
    assert caught.value.place.line == line


def test_transaction_control_is_refused_without_a_transaction_too(tmp_path: Path) -> None:
    path = write(tmp_path, "1_a.sql", "-- signet: no-transaction\nbegin; vacuum;")
    with pytest.raises(FileRefused, match="this file runs statement by statement") as caught:
        check(files.Migration.read(path))
    assert "without  -- signet: no-transaction" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\\connect other\nselect 1;", r"\\connect is a command of psql"),
        ("copy t from stdin;", "COPY"),
    ],
)
def test_what_cannot_be_run_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(FileRefused, match=message):
        check(files.Migration.read(write(tmp_path, "1_a.sql", text)))


@pytest.mark.parametrize(
    "text",
    [
        "do $$ begin perform 1; end $$;",
        "create function f() returns int language sql begin atomic select 1; end;",
        "select 'commit'; -- commit;",
        "prepare p as select 1; set transaction isolation level serializable;",
        "create table t (a int); copy t from '/tmp/file';",
    ],
)
def test_what_only_looks_like_it_is_not_refused(tmp_path: Path, text: str) -> None:
    check(files.Migration.read(write(tmp_path, "1_a.sql", text)))


def test_no_transaction_is_read_from_a_comment_only(tmp_path: Path) -> None:
    said = files.Migration.read(
        write(tmp_path, "1_a.sql", "-- Signet: x\n-- signet: no-transaction\nvacuum;")
    )
    quoted = files.Migration.read(write(tmp_path, "2_a.sql", "select '\n-- signet: no-transaction\n';"))
    assert (said.is_transactional, quoted.is_transactional) == (False, True)


NOON = datetime(2026, 11, 25, 14, 0, 0, tzinfo=timezone(timedelta(hours=2)))


def test_new_files_sort_last_even_when_a_clock_was_ahead(tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    first = files.create(folder, "Add notes, v2!", NOON)
    again = files.create(folder, "add more", NOON.astimezone(UTC))
    assert [first.name, again.name] == ["20261125120000_add_notes_v2.sql", "20261125120001_add_more.sql"]
    assert first.read_text().startswith("-- Add notes v2")


def test_the_longest_name_of_a_table_leaves_every_name_whole() -> None:
    """PostgreSQL cuts names to 63 bytes, with a notice for each."""
    names = re.findall(r'"([^"]+)"|(\w+_idx)\b', table_text("t" * 39))
    assert len(names) == 6
    assert max(len(policy or index) for policy, index in names) == 63
    with pytest.raises(FileRefused, match="not a plain name") as caught:
        table_text("t" * 40)
    assert "at most 39" in caught.value.hint


@pytest.mark.parametrize("name", ["", "../..", "äöü", "-- "])
def test_new_refuses_a_name_without_letters(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileRefused, match="no letter or digit"):
        files.create(tmp_path, name, NOON)


def test_new_explains_an_unwritable_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileRefused, match="cannot be written"):
        files.create(tmp_path / "file", "add notes", NOON)


@pytest.mark.parametrize(
    ("line", "column", "shown"),
    [
        ("select x", 8, ("select x", "       ^")),
        ("\tselect x", 9, ("\tselect x", "\t       ^")),
        ("select '漢字', x", 14, ("select '漢字', x", "               ^")),
        ("select '\x1b[2J', x", 9, ("select '�[2J', x", "        ^")),
        ("x" * 70 + "y" * 200, 71, ("…" + "x" * 60 + "y" * 40 + "…", " " * 61 + "^")),
    ],
    ids=["plain", "tab", "wide", "escape", "long"],
)
def test_the_caret_stands_below_the_character(line: str, column: int, shown: tuple[str, str]) -> None:
    text = f"-- first\n{line}\n"
    place = Place.at(Path("a.sql"), text, len("-- first\n") + column - 1)
    assert (place.line, place.column, place.excerpt()) == (2, column, shown)
