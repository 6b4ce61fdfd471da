"""Supabase's own CLI and we agree about what is applied, whoever applied it.

On demand: pytest -m interop. Needs npm, which fetches the CLI into a temporary folder.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from signet_db import reset, runner
from signet_db.comparison import State
from signet_stack.postgres.cluster import Cluster
from tests.conftest import new_database
from tests.database.conftest import ask
from tests.support.patience import HANG_SECONDS

pytestmark = pytest.mark.interop
PACKAGE = "supabase@3.1.0"
HISTORY = (
    "select version, name, to_json(statements)::text from supabase_migrations.schema_migrations order by 1"
)
# Each in a form that is easily recorded otherwise: comments, quotes, bodies, line ends, a byte order mark.
FILES = {
    "20260101000000_one.sql": (
        "-- leading\ncreate table one (a int); -- trailing\n/* before */ create index on one (a);\n"
        "create function f() returns int language sql begin atomic select 1; select 2; end;\n"
        "create rule r as on insert to one do also (select 1; select 2);\n"
        "select E'a\\';b', $$x;y$$, U&'\\0061;';\n\n-- the end\n"
    ),
    "20260102000000_two words.sql": "create table two (b text default 'x;y');\n\n  create table two_b ();\n",
    "3_three.sql": "create table three ()",
}

Cli = Callable[..., str]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("npm") is None:
        pytest.fail("the interop tests need npm")
    folder = tmp_path_factory.mktemp("cli")
    (folder / "package.json").write_text("{}")
    install = ["npm", "install", "--no-audit", "--no-fund", PACKAGE]
    subprocess.run(install, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return folder / "node_modules" / ".bin" / "supabase"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder where the CLI looks for migrations, with FILES in it."""
    path = tmp_path / "supabase" / "migrations"
    path.mkdir(parents=True)
    for name, text in FILES.items():
        (path / name).write_text(text)
    return path


@pytest.fixture
def supabase(program: Path, folder: Path, target: str) -> Cli:
    """Return a function that runs the CLI on the database and gives all that it says."""

    def run(*arguments: str) -> str:
        command = [
            str(program),
            *arguments,
            "--workdir",
            str(folder.parents[1]),
            "--db-url",
            f"{target}?sslmode=disable",
        ]
        environment = {**os.environ, "HOME": str(folder.parents[1]), "SUPABASE_TELEMETRY_DISABLED": "1"}
        result = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=HANG_SECONDS
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout + result.stderr

    return run


def listed(said: str) -> list[tuple[str, str]]:
    """Return the local and remote versions of the CLI's list."""
    rows = re.findall(r"^ *`([0-9 ]*)` *\| *`([0-9 ]*)` *\|", said, re.MULTILINE)
    return [(local.strip(), remote.strip()) for local, remote in rows]


VERSIONS = ["20260101000000", "20260102000000", "3"]


def states(target: str, folder: Path) -> list[State]:
    return [entry.state for entry in runner.status(target, folder)]


def test_the_cli_agrees_after_our_upgrade(supabase: Cli, target: str, folder: Path) -> None:
    runner.upgrade(target, folder)
    assert listed(supabase("migration", "list")) == [(version, version) for version in VERSIONS]
    assert "up to date" in supabase("db", "push", "--yes")


def test_we_agree_after_its_push(supabase: Cli, target: str, folder: Path) -> None:
    supabase("db", "push", "--yes")
    assert states(target, folder) == [State.APPLIED] * 3
    assert runner.upgrade(target, folder) == ()


def test_both_write_the_same_history(supabase: Cli, target: str, folder: Path, cluster: Cluster) -> None:
    supabase("db", "push", "--yes")
    theirs = ask(target, HISTORY)
    with new_database(cluster) as other:
        runner.upgrade(cluster.dsn("postgres", other), folder)
        assert [(v, n, json.loads(str(s))) for v, n, s in ask(cluster.dsn("postgres", other), HISTORY)] == [
            (v, n, json.loads(str(s))) for v, n, s in theirs
        ]


def test_files_that_the_cli_accepts_have_the_same_history(
    supabase: Cli, target: str, folder: Path, cluster: Cluster
) -> None:
    """A wrapping transaction, comments only, nothing at all; and what it applied is no edit for us."""
    for name, text in {
        "20260103000000_wrapped.sql": "-- why\nBEGIN;\n\n-- a table\ncreate table three_a ();\n\nCOMMIT;\n",
        "20260104000000_other_words.sql": "start transaction;\ncreate table three_b ();\nend; -- done\n",
        "20260105000000_comments.sql": "-- to be written\n\n/* here */\n",
        "20260106000000_empty.sql": "",
    }.items():
        (folder / name).write_text(text)
    supabase("db", "push", "--yes")
    assert set(states(target, folder)) == {State.APPLIED}
    with new_database(cluster) as other:
        runner.upgrade(cluster.dsn("postgres", other), folder)
        assert ask(cluster.dsn("postgres", other), HISTORY) == ask(target, HISTORY)


def test_line_ends_and_byte_order_mark_do_not_part_us(supabase: Cli, target: str, folder: Path) -> None:
    (folder / "4_four.sql").write_bytes(
        b"\xef\xbb\xbfcreate table four (b text default 'x\r\ny');\r\n-- end\r\n"
    )
    supabase("db", "push", "--yes")
    assert set(states(target, folder)) == {State.APPLIED}


def test_repairs_of_both_are_understood_by_both(supabase: Cli, target: str, folder: Path) -> None:
    runner.upgrade(target, folder)
    supabase("migration", "repair", "--status", "reverted", "3", "--yes")
    assert states(target, folder)[2] is State.PENDING
    reset.mark_applied(target, folder, "3", lambda holder: None)
    assert listed(supabase("migration", "list"))[2] == ("3", "3")
    reset.mark_reverted(target, folder, "3", lambda holder: None)
    assert listed(supabase("migration", "list"))[2] == ("3", "")
    supabase("migration", "repair", "--status", "applied", "3", "--yes")
    assert states(target, folder) == [State.APPLIED] * 3
    # Without versions it truncates the history and writes it anew.
    supabase("migration", "repair", "--status", "applied", "--yes")
    assert states(target, folder) == [State.APPLIED] * 3
