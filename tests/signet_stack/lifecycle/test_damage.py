"""A damaged or half-made data folder heals without losing rows."""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import subprocess
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import psycopg
import pytest

from signet_stack.postgres import root
from signet_stack.postgres.binaries import find_binaries
from signet_stack.postgres.cluster import Cluster
from signet_stack.process import stack_file
from signet_stack.process.lease import Lease
from tests.conftest import ROOT, free_port
from tests.signet_stack.lifecycle.conftest import Start

pytestmark = pytest.mark.slow

MIGRATIONS = len(list((ROOT / "migrations").glob("*.sql")))


def count_migrations(lease: Lease) -> int:
    with psycopg.connect(lease.stack.database_url) as connection:
        row = connection.execute("select count(*) from supabase_migrations.schema_migrations").fetchone()
    assert row is not None
    return int(row[0])


def remove(file: Path) -> None:
    file.unlink()


def cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:100])


def forget_a_role(file: Path) -> None:
    content = json.loads(file.read_text())
    del content["passwords"]["authenticator"]
    file.write_text(json.dumps(content))


def change_passwords(file: Path) -> None:
    content = json.loads(file.read_text())
    content["passwords"] = dict.fromkeys(content["passwords"], "another")
    file.write_text(json.dumps(content))


@pytest.mark.parametrize("damage", [remove, cut_short, forget_a_role, change_passwords])
def test_a_cluster_gets_new_passwords_when_stack_json_does_not_know_them(
    folder: Path, start: Start, damage: Callable[[Path], None]
) -> None:
    damage(folder / "stack.json")
    assert count_migrations(start()) == MIGRATIONS


def test_an_unfinished_cluster_is_made_anew(folder: Path, start: Start) -> None:
    """Killed during initdb: nothing was ever committed there."""
    (folder / "cluster").rename(folder / "cluster.partial")
    (folder / "cluster.partial" / "PG_VERSION").unlink()
    lease = start()
    with psycopg.connect(lease.stack.database_url) as connection:
        assert connection.execute("select to_regclass('auth.users')::text").fetchone() == ("auth.users",)
    assert not (folder / "cluster.partial").exists()


def test_an_empty_cluster_is_filled(folder: Path, start: Start) -> None:
    """Killed after initdb, before the roles and schemas were committed."""
    shutil.rmtree(folder / "cluster")
    installation = stack_file.load(folder)
    assert installation is not None
    put = root.place(folder, find_binaries(os.environ), os.environ)
    Cluster(put.data_dir, 0, installation.passwords, {}, put.binaries, put.run_as).create()
    lease = start()
    with psycopg.connect(lease.stack.database_url) as connection:
        assert connection.execute("select to_regclass('auth.users')::text").fetchone() == ("auth.users",)


def test_a_server_that_was_left_running_is_replaced(folder: Path, start: Start) -> None:
    installation = stack_file.load(folder)
    assert installation is not None
    put = root.place(folder, find_binaries(os.environ), os.environ)
    left = Cluster(put.data_dir, free_port(), installation.passwords, {}, put.binaries, put.run_as)
    left.start()
    try:
        assert count_migrations(start()) == MIGRATIONS
    finally:
        left.stop()


@pytest.mark.parametrize("owner", ["ours", "another"])
def test_a_stale_pid_file_whose_id_belongs_to_another_program_is_removed(
    folder: Path, start: Start, owner: str
) -> None:
    """After a reboot or in a new container, PostgreSQL alone would refuse to start for ever."""
    if owner == "another" and os.geteuid() != 0:
        pytest.skip("needs root to start a program as another user")
    someone = {"user": 65534} if owner == "another" else {}
    with subprocess.Popen(["sleep", "600"], **someone) as other:
        lines = [str(other.pid), str(folder / "cluster"), "1700000000", "5432", "", "127.0.0.1", "", "ready"]
        (folder / "cluster" / "postmaster.pid").write_text("\n".join(lines) + "\n")
        assert count_migrations(start()) == MIGRATIONS
        other.kill()


@pytest.mark.parametrize("content", ["", "not a number\n"], ids=["empty", "garbage"])
def test_a_damaged_pid_file_is_removed(folder: Path, start: Start, content: str) -> None:
    (folder / "cluster" / "postmaster.pid").write_text(content)
    assert count_migrations(start()) == MIGRATIONS


def test_busy_ports_give_way_and_the_issuer_stays(folder: Path, start: Start, leases: ExitStack) -> None:
    saved = stack_file.load(folder)
    assert saved is not None
    for port in (saved.api_port, saved.db_port):
        other = leases.enter_context(socket.socket())
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):  # then it is busy without us
            other.bind(("127.0.0.1", port))
            other.listen()
    stack = start().stack
    kept = stack_file.load(folder)
    assert kept is not None
    assert kept.api_port not in (saved.api_port, saved.db_port)
    assert kept.db_port not in (saved.api_port, saved.db_port)
    assert stack.api_url == f"http://127.0.0.1:{kept.api_port}"
    assert stack.issuer == saved.issuer


def test_a_folder_that_was_opened_to_others_is_closed_again(folder: Path, start: Start) -> None:
    folder.chmod(0o755)
    start()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_variables_of_another_database_do_not_matter(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "PGHOST": "db.example.com",
        "PGSSLMODE": "verify-full",
        "PGOPTIONS": "-c x=y",
    }.items():
        monkeypatch.setenv(name, value)
    stack = start()
    monkeypatch.undo()
    assert count_migrations(stack) == MIGRATIONS


def test_a_long_log_makes_room_and_one_old_one_is_kept(folder: Path, start: Start) -> None:
    (folder / "postgres.log").write_text("x" * 6_000_000)
    start()
    assert (folder / "postgres.log").stat().st_size < 100_000
    assert (folder / "postgres.log.old").stat().st_size == 6_000_000
