"""`python -m signet_stack` in a folder of any project: options, what it prints, what it leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from signet_stack.handle import find_running, is_locked
from tests.conftest import ROOT
from tests.signet_stack.lifecycle.checkout import ENVIRONMENT, PATIENCE, Command, until
from tests.support.processes import processes_of

pytestmark = pytest.mark.slow

ENVIRON = {**ENVIRONMENT, "PYTHONPATH": str(ROOT)}


def run(project: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run the program in a folder to its end."""
    return subprocess.run(
        [sys.executable, "-m", "signet_stack", *argv],
        cwd=project,
        env=ENVIRON,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE * 2,
    )


@pytest.fixture
def project(place: Path) -> Iterator[Path]:
    """Return the folder of a project that keeps its migrations where the official tool does."""
    migrations = place / "supabase" / "migrations"
    migrations.mkdir(parents=True)
    (migrations / "20260101000000_notes.sql").write_text("create table notes (body text);")
    (place / "supabase" / "seed.sql").write_text("-- One note.\ninsert into notes values ('seeded');")
    yield place
    run(place, "stop")


def test_a_detached_stack_serves_until_stop_and_its_environment_can_be_sourced(project: Path) -> None:
    started = run(project, "start", "--detach", "--env", "--seed", "supabase/seed.sql")
    assert started.returncode == 0, started.stderr
    assert "Stop: python -m signet_stack stop" in started.stderr
    shell = 'eval "$1"; echo "$SUPABASE_URL"; echo "$DATABASE_URL"'
    argv = ["sh", "-c", shell, "sh", started.stdout]
    sourced = subprocess.run(argv, capture_output=True, text=True, check=True)
    api_url, database_url = sourced.stdout.split()
    assert httpx.get(f"{api_url}/auth/v1/.well-known/jwks.json").is_success
    assert run(project, "status", "--env").stdout == started.stdout
    status = json.loads(run(project, "status", "--json").stdout)
    assert [one["state"] for one in status["migrations"]] == ["applied"]
    assert [lease["name"] for lease in status["leases"]] == ["detached"]
    again = run(project, "start", "--detach", "--seed", "supabase/seed.sql")
    assert again.returncode == 0, again.stderr
    with psycopg.connect(database_url) as connection:
        assert connection.execute("select body from notes").fetchall() == [("seeded",)]
    stopped = run(project, "stop")
    assert (stopped.stdout, stopped.stderr) == ("Stopped. Everything is kept.\n", "")
    assert not processes_of(project)
    gone = run(project, "status", "--env")
    assert (gone.returncode, gone.stdout) == (3, "")
    assert "Next: python -m signet_stack start" in gone.stderr


def test_without_a_command_it_starts_and_ctrl_c_stops(project: Path) -> None:
    foreground = Command(("signet_stack", "--folder", "data"), project, ENVIRON)
    foreground.wait_for(lambda: "Stop: Ctrl-C" in foreground.log, "the stack")
    assert "migrated   20260101000000  notes" in foreground.log
    assert (project / "data" / ".gitignore").read_text() == "*\n"
    os.killpg(foreground.pid, signal.SIGINT)
    assert foreground.wait(PATIENCE) == 0
    assert not is_locked(project / "data")


def test_an_ephemeral_stack_leaves_nothing(project: Path) -> None:
    before = set(project.iterdir())
    foreground = Command(
        ("signet_stack", "start", "--ephemeral", "--json", "--show-secrets"), project, ENVIRON
    )
    foreground.wait_for(lambda: "Stop: Ctrl-C" in foreground.log, "the stack")
    text = foreground.log
    described = json.loads(text[text.index("{\n") : text.rindex("}") + 1])
    folder = Path(described["logs"]).parent
    assert folder.exists()
    os.killpg(foreground.pid, signal.SIGINT)
    assert foreground.wait(PATIENCE) == 0
    until(lambda: not folder.exists(), "the end of the folder")
    foreground.output.unlink()
    assert set(project.iterdir()) == before


def test_ephemeral_never_deletes_what_is_kept_and_can_be_detached_with_a_folder(project: Path) -> None:
    refused = run(project, "start", "--ephemeral", "--detach")
    assert refused.returncode == 1
    assert "needs a folder" in refused.stderr
    assert run(project, "start", "--ephemeral", "--detach", "--folder", "data").returncode == 0
    assert run(project, "stop", "--folder", "data").returncode == 0
    until(lambda: not (project / "data").exists(), "the end of the folder")
    (project / "data").mkdir()
    (project / "data" / "stack.json").write_text("{}")
    kept = run(project, "start", "--ephemeral", "--folder", "data")
    assert kept.returncode == 1
    assert "holds a stack with data" in kept.stderr


def test_logs_show_both_and_follow(project: Path) -> None:
    none = run(project, "logs")
    assert none.returncode == 1
    assert "There are no logs" in none.stderr
    assert run(project, "start", "--detach").returncode == 0
    following = Command(("signet_stack", "logs", "--follow"), project, ENVIRON)
    following.wait_for(lambda: "ready to accept connections" in following.log, "the log of PostgreSQL")
    stack = find_running(project / ".signet_stack")
    assert stack is not None
    with psycopg.connect(stack.database_url) as connection, pytest.raises(psycopg.Error):
        connection.execute("select * from missing_table")
    following.wait_for(lambda: "missing_table" in following.log, "a new line")
    os.killpg(following.pid, signal.SIGINT)
    assert following.wait(PATIENCE) == 130
    assert run(project, "logs", "--lines", "1").stdout.count("\n") <= 2


def test_the_settings_of_auth_are_read_and_changed(project: Path) -> None:
    assert run(project, "config", "jwt_exp", "600").stdout == "jwt_exp  600\n"
    assert json.loads(run(project, "config", "jwt_exp", "--json").stdout) == {"jwt_exp": 600}


def test_default_privileges_are_chosen_at_a_start_and_kept(project: Path) -> None:
    privilege = "select has_table_privilege('anon', 'notes', 'truncate')"
    assert run(project, "start", "--detach", "--default-privileges", "legacy").returncode == 0
    stack = find_running(project / ".signet_stack")
    assert stack is not None
    with psycopg.connect(stack.database_url) as connection:
        assert connection.execute(privilege).fetchone() == (True,)
    refused = run(project, "start", "--default-privileges", "current")
    assert refused.returncode == 1
    assert "set at its start" in refused.stderr
    run(project, "stop")
    (project / "supabase" / "migrations" / "20260102000000_more.sql").write_text(
        "create table more (id int);"
    )
    assert "legacy default privileges" in run(project, "start", "--detach").stdout
    with psycopg.connect(stack.database_url) as connection:
        assert connection.execute(privilege.replace("notes", "more")).fetchone() == (True,)


def test_a_named_folder_of_migrations_that_is_missing_is_an_error(project: Path) -> None:
    refused = run(project, "start", "--migrations", "nowhere")
    assert refused.returncode == 1
    assert "nowhere" in refused.stderr
