"""The next step that a command prints reaches the database and the folder that were meant."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import psycopg
import pytest
from click.testing import CliRunner
from psycopg.conninfo import conninfo_to_dict

from signet_db import cli, output
from signet_db.cli import db
from signet_db.options import Defaults, use_defaults
from signet_db.target import is_on_this_machine, without_password
from tests.database.conftest import ask
from tests.database.paths import ROOT

Write = Callable[[str, str], Path]
HOSTED = "postgresql://postgres:secret@db.abcdefghij.supabase.co:5432/postgres"


def test_the_database_and_the_folder_are_repeated(
    unchanging: str, folder: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DATABASE_URL names another database, which a copied command must not reach."""
    monkeypatch.setenv("DATABASE_URL", HOSTED)
    write("1_one.sql", "create table one ();")
    where = ["--database-url", unchanging, "--folder", str(folder)]
    result = CliRunner().invoke(db, ["status", *where])
    parts = conninfo_to_dict(unchanging)
    address = f"{parts['host']}:{parts['port']}/{parts['dbname']}"
    shown = f"'postgresql://postgres:[YOUR-PASSWORD]@{address}'"
    step = result.stdout.splitlines()[-1]
    assert step == f"Next: flask db upgrade --database-url {shown} --folder {folder}"
    assert str(parts["password"]) not in result.output
    copied = CliRunner().invoke(db, ["upgrade", "--database-url", shown.strip("'"), "--folder", str(folder)])
    assert (copied.exit_code, "The connection string still says [YOUR-PASSWORD]" in copied.stderr) == (
        1,
        True,
    )


@pytest.mark.parametrize(
    ("command", "step"),
    [
        (["repair", "1", "--applied"], "flask db status --database-url {url} --folder {folder}"),
        (["upgrade"], "flask db upgrade --database-url {url} --folder {folder}"),
        (["repair", "9", "--applied"], "flask db status --database-url {url} --folder {folder}"),
    ],
)
def test_errors_and_results_repeat_the_options(
    target: str, folder: Path, write: Write, command: list[str], step: str
) -> None:
    write("1_one.sql", "selekt 1;")
    result = CliRunner().invoke(db, [*command, "--database-url", target, "--folder", str(folder), "--json"])
    text = CliRunner().invoke(db, [*command, "--database-url", target, "--folder", str(folder)])
    expected = step.format(url=f"'{without_password(target)}'", folder=folder)
    assert expected in text.output
    assert '"error"' not in result.stdout or expected in result.stdout


def test_the_folder_is_repeated_where_it_matters_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://postgres@127.0.0.1:1/postgres")
    refused = CliRunner().invoke(db, ["status", "--folder", str(folder)])
    assert refused.stderr.splitlines()[-1].endswith("To wait for the database:  flask db wait")
    made = CliRunner().invoke(db, ["new", "one", "--folder", str(folder)])
    assert f"run  flask db upgrade --folder {folder}" in made.stdout


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("postgresql://me:secret@host:5/db", "postgresql://me:[YOUR-PASSWORD]@host:5/db"),
        ("postgres://me@host/db", "postgres://me@host/db"),
        ("host=h password=secret", "password=[YOUR-PASSWORD] host=h"),
        ("postgresql://me@host/db?password=secret", "user=me password=[YOUR-PASSWORD] dbname=db host=host"),
        ("postgresql://me:s%40x@host/db", "postgresql://me:[YOUR-PASSWORD]@host/db"),
        ("service=mine", "service=mine"),
    ],
)
def test_a_connection_string_is_shown_without_its_password(given: str, shown: str) -> None:
    assert without_password(given) == shown


def test_repair_asks_for_a_database_that_is_not_on_this_machine(
    target: str, folder: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The history of a hosted database decides what its next upgrade runs."""
    write("1_one.sql", "create table one ();")
    arguments = ["repair", "1", "--applied", "--database-url", target, "--folder", str(folder)]
    monkeypatch.setattr(cli, "is_on_this_machine", lambda url: False)
    refused = CliRunner().invoke(db, arguments)
    assert (refused.exit_code, "which is not on this machine" in refused.stderr) == (1, True)
    assert ask(target, "select to_regnamespace('supabase_migrations') is null") == [(True,)]
    assert CliRunner().invoke(db, [*arguments, "--yes"]).exit_code == 0


def test_a_hosted_name_is_elsewhere_without_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psycopg, "connect", lambda *_, **__: pytest.fail("connected"))
    assert not is_on_this_machine(HOSTED)


def test_repair_on_this_machine_does_not_ask(target: str, folder: Path, write: Write) -> None:
    write("1_one.sql", "create table one ();")
    arguments = ["repair", "1", "--applied", "--database-url", target, "--folder", str(folder)]
    assert CliRunner().invoke(db, arguments).exit_code == 0


@click.command()
@click.argument("arguments", nargs=-1)
@click.pass_context
def project(context: click.Context, arguments: tuple[str, ...]) -> None:
    """Run a command as the Flask side does: with a project and a local stack."""
    use_defaults(context, Defaults(Path("/nonexistent"), local_database=lambda: os.environ["TEST_LOCAL"]))
    with db.make_context("db", list(arguments), parent=context) as inner:
        db.invoke(inner)


def test_local_is_the_stack_also_where_database_url_is_set(
    unchanging: str, folder: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", HOSTED)
    monkeypatch.setenv("TEST_LOCAL", unchanging)
    write("1_one.sql", "create table one ();")
    result = CliRunner().invoke(project, ["--", "status", "--local", "--folder", str(folder)])
    assert result.exit_code == 0
    assert "(local)" in result.stdout
    assert result.stdout.splitlines()[-1] == f"Next: flask db upgrade --local --folder {folder}"
    both = CliRunner().invoke(project, ["--", "status", "--local", "--database-url", HOSTED])
    assert (both.exit_code, "name two databases" in both.stderr) == (1, True)
    monkeypatch.delenv("DATABASE_URL")
    alone = CliRunner().invoke(db, ["status", "--local"])
    assert (alone.exit_code, "No local stack is known here." in alone.stderr) == (1, True)


def test_without_flask_the_module_is_named_and_the_supabase_folder_is_found(
    target: str, tmp_path: Path
) -> None:
    """In any folder, for any project: `python -m signet_db`."""
    migrations = tmp_path / "supabase" / "migrations"
    migrations.mkdir(parents=True)
    (migrations / "1_one.sql").write_text("create table one ();")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "signet_db", *arguments],
            cwd=tmp_path,
            env=os.environ | {"DATABASE_URL": target, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )

    pending = run("status")
    assert pending.stdout.splitlines()[-1] == "Next: python -m signet_db upgrade"
    assert run("upgrade").returncode == 0
    assert "✓ 1  one" in run("status").stdout
    assert "flask" not in run("verify").stdout
    help_text = run("--help").stdout
    assert "Usage: python -m signet_db" in help_text


def test_commands_outside_of_click_are_left_alone() -> None:
    assert output.with_repeated_options("flask db status") == "flask db status"
