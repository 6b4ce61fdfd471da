"""The commands as a person meets them: results on stdout, progress on stderr, exit codes, masks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli.db import db

Write = Callable[[str, str], Path]
Run = Callable[..., Result]


@pytest.fixture
def run(target: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs `flask db` on a fresh database and an empty folder."""
    monkeypatch.setenv("DATABASE_URL", target)

    def run_command(*arguments: str) -> Result:
        return CliRunner().invoke(db, [*arguments, "--folder", str(folder)])

    return run_command


def password_of(target: str) -> str:
    return target.rpartition("password=")[2]


def test_status_upgrade_status(run: Run, write: Write, target: str) -> None:
    """The target is named without its password; status tells what an upgrade would do."""
    write("20260101000000_one.sql", "create table one ();")
    before = run("status", "--exit-code")
    assert before.exit_code == 3
    assert "• 20260101000000  one  pending" in before.stdout
    assert before.stdout.endswith("0 applied, 1 pending\nNext: flask db upgrade\n")
    upgraded = run("upgrade")
    assert upgraded.exit_code == 0
    assert upgraded.stdout.startswith("1 applied in ")
    assert "Applying to postgres@127.0.0.1:" in upgraded.stderr
    assert "+ 20260101000000  one ..." in upgraded.stderr
    after = run("status", "--exit-code")
    assert after.exit_code == 0
    assert "✓ 20260101000000  one  just now" in after.stdout
    assert password_of(target) not in before.output + upgraded.output + after.output


def test_dry_run_changes_nothing(run: Run, write: Write) -> None:
    write("20260101000000_one.sql", "create table one ();")
    result = run("upgrade", "--dry-run")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "• 20260101000000_one.sql\n1 pending; nothing was changed" in result.stdout
    assert run("status", "--exit-code").exit_code == 3


def test_json_is_all_that_is_on_stdout(run: Run, write: Write) -> None:
    write("20260101000000_one.sql", "create table one ();")
    plan = json.loads(run("upgrade", "--dry-run", "--json").stdout)
    assert plan["pending"] == [{"version": "20260101000000", "name": "one"}]
    done = json.loads(run("upgrade", "--json").stdout)
    assert [one["version"] for one in done["applied"]] == ["20260101000000"]
    entries = json.loads(run("status", "--json").stdout)["migrations"]
    assert [entry["state"] for entry in entries] == ["applied"]
    made = json.loads(run("new", "two", "--json").stdout)
    assert Path(made["file"]).is_file()


def test_a_failure_is_shown_on_stderr_and_exits_with_1(run: Run, write: Write) -> None:
    write("20260101000000_one.sql", "create table one ();\nselect x;")
    result = run("upgrade")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "failed\nerror: column" in result.stderr
    assert "[migration_failed 42703]" in result.stderr
    assert result.stderr.rstrip().splitlines()[-1].startswith("Next: ")
    error = json.loads(run("upgrade", "--json").stdout)["error"]
    assert (error["file"], error["line"], error["sqlstate"]) == ("20260101000000_one.sql", 2, "42703")


def test_new_files_are_empty_and_say_what_to_do(run: Run, folder: Path) -> None:
    result = run("new", "Add notes")
    assert result.exit_code == 0
    (path,) = folder.iterdir()
    assert path.name in result.stdout
    assert "Next: write it" in result.stdout
    refused = run("upgrade")
    assert refused.exit_code == 1
    assert "no statement" in refused.stderr


def test_files_that_are_never_run_are_named(run: Run, write: Write) -> None:
    write("seed.sql", "select 1;")
    result = run("status")
    assert result.exit_code == 0
    assert "seed.sql is not named <digits>_<name>.sql" in result.stderr


def test_without_a_database_the_next_step_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    result = CliRunner().invoke(db, ["status", "--folder", str(folder)])
    assert result.exit_code == 1
    assert "Next: Set DATABASE_URL" in result.stderr


@pytest.mark.parametrize("forbidden", ["", "1"])
def test_colour_is_for_terminals_without_no_color(
    run: Run, monkeypatch: pytest.MonkeyPatch, forbidden: str
) -> None:
    monkeypatch.setenv("NO_COLOR", forbidden)
    result = CliRunner().invoke(db, ["status", "--folder", "/nonexistent"], color=True)
    assert ("\x1b[" in result.stderr) is not bool(forbidden)


def test_wrong_usage_exits_with_2(run: Run) -> None:
    assert run("upgrade", "--nonsense").exit_code == 2
