"""The commands as a person meets them: results on stdout, progress on stderr, exit codes, masks."""

from __future__ import annotations

import errno
import json
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result
from psycopg.conninfo import conninfo_to_dict

from flask_signet.cli import LazyGroup
from signet_db import output, policy_commands
from signet_db.cli import db
from signet_db.target import LOCK_KEY
from signet_stack.project import Project
from tests.database.conftest import ask
from tests.database.paths import MIGRATIONS
from tests.support.patience import HANG_SECONDS

Write = Callable[[str, str], Path]
Run = Callable[..., Result]


@pytest.fixture
def run(target: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs `flask db` on a fresh database and an empty folder."""
    monkeypatch.setenv("DATABASE_URL", target)

    def run_command(*arguments: str, input: str | None = None) -> Result:
        where = [] if arguments[0] in ("wait", "explain") else ["--folder", str(folder)]
        return CliRunner().invoke(db, [*arguments, *where], input=input)

    return run_command


def password_of(target: str) -> str:
    return str(conninfo_to_dict(target)["password"])


def test_status_upgrade_status(run: Run, write: Write, target: str, folder: Path) -> None:
    """The target is named without its password; status says what an upgrade would do."""
    write("20260101000000_one.sql", "create table one ();")
    before = run("status", "--exit-code")
    assert before.exit_code == 3
    assert "• 20260101000000  one  pending" in before.stdout
    assert before.stdout.endswith(f"0 applied, 1 pending\nNext: flask db upgrade --folder {folder}\n")
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
    assert (result.exit_code, "to be rolled back" in result.stderr) == (0, True)
    assert result.stdout == (
        "  ✓ 20260101000000_one.sql\n1 pending, 1 tried and rolled back; nothing was changed\n"
    )
    assert run("status", "--exit-code").exit_code == 3


def test_json_is_all_that_is_on_stdout(run: Run, write: Write) -> None:
    write("20260101000000_one.sql", "create table one ();")
    plan = json.loads(run("upgrade", "--dry-run", "--json").stdout)
    assert plan["pending"] == [{"version": "20260101000000", "name": "one", "tried": True}]
    done = json.loads(run("upgrade", "--json").stdout)
    assert [one["version"] for one in done["applied"]] == ["20260101000000"]
    entries = json.loads(run("status", "--json").stdout)["migrations"]
    assert [entry["state"] for entry in entries] == ["applied"]
    made = json.loads(run("new", "two", "--json").stdout)
    assert Path(made["file"]).is_file()


def test_every_command_answers_in_json_and_names_its_target_without_the_password(
    run: Run, write: Write, target: str
) -> None:
    write("1_one.sql", "create schema one;")
    commands = (
        "status",
        "upgrade",
        "lint",
        "prove",
        "verify",
        "repair 1 --applied",
        "reset --yes",
        "new two",
        "wait",
        "explain rls_disabled",
    )
    assert {command.split()[0] for command in commands} == set(db.commands)
    for command in commands:
        result = run(*command.split(), "--json")
        answer = json.loads(result.stdout)
        assert result.exit_code == (2 if command == "prove" else 0), command  # there is no table to prove
        assert (answer.get("target", "")[:19] == "postgres@127.0.0.1:") is (
            command not in ("new two", "explain rls_disabled")
        ), command
        assert password_of(target) not in result.output


def test_an_upgrade_to_a_version_says_up_to_where(run: Run, write: Write) -> None:
    """What waits behind it is not said to be there; a version that nobody knows applies nothing."""
    write("1_one.sql", "create table one ();")
    write("2_two.sql", "create table two ();")
    for version in ("", "3", "20"):
        unknown = run("upgrade", "--to", version)
        assert (unknown.exit_code, f"There is no migration “{version}”." in unknown.stderr) == (1, True)
    assert run("upgrade", "--to", "1").stdout.startswith("1 applied in ")
    assert run("upgrade", "--to", "1").stdout == "Nothing to apply up to 1.\n"
    assert "1 applied, 1 pending" in run("status").stdout
    assert run("upgrade", "--to", "2").stdout.startswith("1 applied in ")
    assert run("upgrade").stdout == "Nothing to apply: the database is up to date.\n"


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
    early = run("upgrade")
    assert early.exit_code == 0
    assert "has no statement yet; it is recorded as applied" in early.stderr
    path.write_text("create table notes ();")
    late = run("upgrade")
    assert late.exit_code == 1
    assert f"flask db repair --folder {folder} {path.name[:14]} --reverted" in late.stderr


def test_files_that_are_never_run_are_named(run: Run, write: Write, folder: Path) -> None:
    (folder / "later").mkdir()
    ignored = ("seed.sql", "1_one.SQL", "later/2_two.sql")
    for name in ignored:
        write(name, "select 1;")
    result = run("status")
    assert result.exit_code == 0
    for name in ignored:
        assert f"{name} is never run" in result.stderr


def test_without_a_database_the_next_step_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    result = CliRunner().invoke(db, ["status", "--folder", str(folder)])
    assert result.exit_code == 1
    assert "Next: Set DATABASE_URL" in result.stderr


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "error: [Errno 28] No space left on device"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), ""),
    ],
    ids=["disk full", "reader gone"],
)
def test_a_result_that_cannot_be_written_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, error: OSError, said: str
) -> None:
    """As in `flask db lint --rules > /full/disk`, or `| head`."""

    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(policy_commands, "show_either", refuse)
    result = CliRunner().invoke(db, ["lint", "--rules"])
    assert (result.exit_code, type(result.exception)) == (1, SystemExit)
    assert result.stderr.startswith(said)
    assert bool(result.stderr) is bool(said)


@pytest.mark.parametrize("command", ["status", "lint", "prove", "verify", "reset --yes", "wait"])
def test_an_empty_database_url_is_a_mistake(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that was not set: no other database takes the place of the one that was meant."""
    monkeypatch.setattr(psycopg, "connect", lambda *_, **__: pytest.fail("connected"))
    monkeypatch.setenv("DATABASE_URL", "postgresql://postgres:x@127.0.0.1/another")
    result = CliRunner().invoke(db, [*command.split(), "--database-url", " "])
    could_not_run = command in ("lint", "prove")  # where 1 stands for findings
    assert (result.exit_code, result.stdout) == (2 if could_not_run else 1, "")
    assert "error: --database-url is empty.      [no_database]" in result.stderr


@pytest.mark.parametrize("forbidden", ["", "1"])
def test_colour_is_for_terminals_without_no_color(monkeypatch: pytest.MonkeyPatch, forbidden: str) -> None:
    monkeypatch.setenv("NO_COLOR", forbidden)
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    result = CliRunner().invoke(db, ["status", "--folder", "/nonexistent"], color=True)
    assert ("\x1b[" in result.stderr) is not bool(forbidden)


def test_wrong_usage_exits_with_2() -> None:
    assert CliRunner().invoke(db, ["upgrade", "--nonsense"]).exit_code == 2
    mistyped = CliRunner().invoke(LazyGroup("db", "Migrations.", lambda: Project.at(Path.cwd())), ["upgrad"])
    assert (mistyped.exit_code, "Did you mean 'upgrade'?" in mistyped.stderr) == (2, True)


def test_new_writes_a_table_that_runs(run: Run, folder: Path, write: Write) -> None:
    for path in MIGRATIONS.glob("*.sql"):
        write(path.name, path.read_text())
    made = run("new", "add a table", "--table", "table_of_a_test")
    assert "Next: adapt it, then run  flask db upgrade" in made.stdout
    assert run("upgrade").exit_code == 0
    for name in ("My Notes", "", "notes; drop table x"):
        refused = run("new", "add a table", "--table", name)
        assert refused.exit_code == 1
        assert "not a plain name for a table" in refused.stderr


def test_repair_says_what_the_history_says_now(run: Run, write: Write) -> None:
    write("1_one.sql", "create table one ();")
    assert "1 is recorded as applied now" in run("repair", "1", "--applied").stdout
    assert "1 was recorded as applied already" in run("repair", "1", "--applied").stdout
    assert json.loads(run("repair", "1", "--reverted", "--json").stdout)["changed"] is True
    assert run("repair", "1").exit_code == 2
    unknown = run("repair", "9", "--applied")
    assert (unknown.exit_code, "Next: See the versions with  flask db status" in unknown.stderr) == (1, True)


def test_reset_asks_and_says_what_is_lost(run: Run, write: Write, target: str) -> None:
    """Where nobody can answer nothing is lost."""
    write("1_one.sql", "create table one (); insert into one default values;")
    run("upgrade")
    refused = run("reset")
    assert refused.exit_code == 1
    assert "  public.one: 1 row\n" in refused.stderr
    assert "--yes" in refused.stderr.splitlines()[-1]
    assert ask(target, "select count(*) from one") == [(1,)]
    done = run("reset", "--yes", "--json")
    assert (done.exit_code, [one["version"] for one in json.loads(done.stdout)["applied"]]) == (0, ["1"])


@pytest.mark.parametrize(
    ("key", "exit_code", "said"), [("n\n", 1, "Nothing was changed."), ("", 130, "Interrupted.")]
)
def test_reset_is_answered_with_no_or_ctrl_c(
    run: Run, write: Write, target: str, monkeypatch: pytest.MonkeyPatch, key: str, exit_code: int, said: str
) -> None:
    write("1_one.sql", "create table one ();")
    run("upgrade")
    monkeypatch.setattr(output, "_can_answer", lambda: True)
    result = run("reset", "--json", input=key)
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert result.stderr.splitlines()[-1] == said
    assert ask(target, "select to_regclass('public.one') is not null") == [(True,)]


def test_who_waits_for_another_run_is_told_for_whom(run: Run, write: Write, target: str) -> None:
    """And the run goes on as soon as the other one ends."""
    write("1_one.sql", "create table one ();")
    with psycopg.connect(target, autocommit=True, application_name="signet db upgrade") as other:
        other.execute("select pg_advisory_lock(%s)", (LOCK_KEY,))

        def end_when_somebody_waits() -> None:
            waiting = "select from pg_locks where locktype = 'advisory' and not granted"
            deadline = time.monotonic() + HANG_SECONDS
            while other.execute(waiting).rowcount == 0 and time.monotonic() < deadline:
                time.sleep(0.005)
            other.close()

        ending = threading.Thread(target=end_when_somebody_waits)
        ending.start()
        result = run("upgrade", "--json")
        ending.join()
    assert result.exit_code == 0
    assert [one["version"] for one in json.loads(result.stdout)["applied"]] == ["1"]
    assert "Waiting for another migration run: “signet db upgrade” (postgres from 127.0.0.1" in result.stderr


def test_wait_tells_how_long_it_took(unchanging: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", unchanging)
    ready = CliRunner().invoke(db, ["wait"])
    assert ready.exit_code == 0
    assert re.search(r" is ready after \d+\.\d s$", ready.stdout.rstrip())
    nowhere = [
        "wait",
        "--timeout",
        "0",
        "--database-url",
        "postgresql://postgres:pa55word@127.0.0.1:1/postgres",
    ]
    late = CliRunner().invoke(db, nowhere)
    assert late.exit_code == 1
    assert "pa55word" not in late.output


def test_a_database_url_can_come_from_a_file(
    target: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As secrets are handed to containers; a file that cannot be read is named."""
    secret = tmp_path / "url"
    secret.write_text(f"{target}\n")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("DATABASE_URL_FILE", str(secret))
    arguments = ["status", "--folder", str(folder)]
    assert CliRunner().invoke(db, arguments).exit_code == 0
    secret.write_text("\n")
    empty = CliRunner().invoke(db, arguments)
    assert (empty.exit_code, "which is empty" in empty.stderr) == (1, True)
    secret.unlink()
    missing = CliRunner().invoke(db, arguments)
    assert missing.exit_code == 1
    assert f"DATABASE_URL_FILE names {secret}" in missing.stderr


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://user:pa55word%zz@host/db", "cannot be read"),
        ("postgresql://postgres:pa55word@db.abc.supabase.co:6543/postgres", "transaction pooler"),
        ("postgresql://postgres:pa55word@db.invalid:5432/postgres", "db.invalid:5432"),
    ],
)
def test_a_bad_database_url_is_explained_without_its_password(folder: Path, url: str, words: str) -> None:
    result = CliRunner().invoke(db, ["status", "--folder", str(folder), "--database-url", url])
    assert result.exit_code == 1
    assert words in result.stderr
    assert "pa55word" not in result.output
    assert result.stderr.splitlines()[-1].startswith("Next: ")
