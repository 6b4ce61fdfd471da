"""A damaged or half-made data folder heals without losing rows, or ends with one error and the next step."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psycopg
import pytest

from app.cli.lease import Lease, LocalStackFailed, take_lease
from devstack import placement, stack_file
from devstack.binaries import find_binaries
from devstack.postgres import Cluster
from tests.conftest import free_port

SITE = "http://127.0.0.1:8000"


@pytest.fixture
def folder(place: Path, used_checkout: Path) -> Path:
    """Return a stopped stack's data folder."""
    shutil.copytree(used_checkout / "instance" / "devstack", place / "instance" / "devstack")
    return place / "instance" / "devstack"


@pytest.fixture
def leases() -> Iterator[ExitStack]:
    """Return what releases every lease of the test."""
    with ExitStack() as taken:
        yield taken


@pytest.fixture
def start(folder: Path, leases: ExitStack):
    """Return a function that starts the folder's stack."""

    def start(*options: str) -> Lease:
        lease = take_lease(folder, SITE, "test", print, options=options)
        leases.callback(lease.release)
        return lease

    return start


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
def test_a_cluster_gets_new_passwords_when_stack_json_does_not_know_them(folder, start, damage) -> None:
    damage(folder / "stack.json")
    assert count_migrations(start()) == 3


def test_an_unfinished_cluster_is_made_anew(folder, start) -> None:
    """Killed during initdb: nothing was ever committed there."""
    (folder / "cluster").rename(folder / "cluster.partial")
    (folder / "cluster.partial" / "PG_VERSION").unlink()
    lease = start()
    with psycopg.connect(lease.stack.database_url) as connection:
        assert connection.execute("select to_regclass('auth.users')::text").fetchone() == ("auth.users",)
    assert not (folder / "cluster.partial").exists()


def test_an_empty_cluster_is_filled(folder, start) -> None:
    """Killed after initdb, before the roles and schemas were committed."""
    shutil.rmtree(folder / "cluster")
    installation = stack_file.load(folder)
    assert installation is not None
    put = placement.place(folder, find_binaries(os.environ), os.environ)
    Cluster(put.data_dir, 0, installation.passwords, {}, put.binaries, put.run_as).create()
    lease = start()
    with psycopg.connect(lease.stack.database_url) as connection:
        assert connection.execute("select to_regclass('auth.users')::text").fetchone() == ("auth.users",)


def test_a_server_that_was_left_running_is_replaced(folder, start) -> None:
    installation = stack_file.load(folder)
    assert installation is not None
    put = placement.place(folder, find_binaries(os.environ), os.environ)
    left = Cluster(put.data_dir, free_port(), installation.passwords, {}, put.binaries, put.run_as)
    left.start()
    try:
        assert count_migrations(start()) == 3
    finally:
        left.stop()


@pytest.mark.parametrize("owner", ["ours", "another"])
def test_a_stale_pid_file_whose_id_belongs_to_another_program_is_removed(folder, start, owner) -> None:
    """After a reboot or in a new container, PostgreSQL alone would refuse to start for ever."""
    if owner == "another" and os.geteuid() != 0:
        pytest.skip("needs root to start a program as another user")
    someone = {"user": 65534} if owner == "another" else {}
    with subprocess.Popen(["sleep", "600"], **someone) as other:
        lines = [str(other.pid), str(folder / "cluster"), "1700000000", "5432", "", "127.0.0.1", "", "ready"]
        (folder / "cluster" / "postmaster.pid").write_text("\n".join(lines) + "\n")
        assert count_migrations(start()) == 3
        other.kill()


@pytest.mark.parametrize("content", ["", "not a number\n"], ids=["empty", "garbage"])
def test_a_damaged_pid_file_is_removed(folder, start, content) -> None:
    (folder / "cluster" / "postmaster.pid").write_text(content)
    assert count_migrations(start()) == 3


def test_a_cluster_of_another_major_version_is_left_alone(folder, start) -> None:
    version = folder / "cluster" / "PG_VERSION"
    version.write_text("17\n")
    with pytest.raises(LocalStackFailed) as failed:
        start()
    assert "PostgreSQL 17 made the cluster" in failed.value.message
    assert "flask local reset" in failed.value.hint
    version.write_text("18\n")
    assert count_migrations(start()) == 3


def test_a_folder_that_is_no_cluster_is_left_alone(folder, start) -> None:
    shutil.rmtree(folder / "cluster")
    (folder / "cluster").mkdir()
    (folder / "cluster" / "thesis.odt").touch()
    with pytest.raises(LocalStackFailed) as failed:
        start()
    assert "is not a PostgreSQL cluster" in failed.value.message
    assert (folder / "cluster" / "thesis.odt").exists()


@pytest.mark.parametrize("name", ["instance", "devstack"])
def test_a_file_where_the_folder_should_be_is_named(place: Path, name: str) -> None:
    folder = place / "instance" / "devstack"
    file = folder if name == "devstack" else folder.parent
    file.parent.mkdir(exist_ok=True)
    file.touch()
    with pytest.raises(LocalStackFailed) as failed:
        take_lease(folder, SITE, "test", print)
    assert "is not a folder" in failed.value.message


def test_busy_ports_give_way_and_the_issuer_stays(folder, start, leases) -> None:
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


def test_a_busy_port_that_was_asked_for_is_named(folder, start, leases) -> None:
    other = leases.enter_context(socket.socket())
    other.bind(("127.0.0.1", 0))
    other.listen()
    port = other.getsockname()[1]
    for option in ("--api-port", "--db-port"):
        with pytest.raises(LocalStackFailed, match=f"Port {port} is in use"):
            start(option, str(port))


def test_the_programs_that_the_environment_names_are_checked(start, place, monkeypatch) -> None:
    monkeypatch.setenv("DEVSTACK_PG_BIN", str(place))
    with pytest.raises(LocalStackFailed) as failed:
        start()
    assert str(place / "postgres") in failed.value.message
    assert "DEVSTACK_PG_BIN" in failed.value.hint
    (place / "postgres").write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 16.4'\n")
    (place / "postgres").chmod(0o755)
    with pytest.raises(LocalStackFailed, match="needs 17 or newer"):
        start()


def test_a_mail_server_that_cannot_be_understood_is_named(start, monkeypatch) -> None:
    monkeypatch.setenv("SMTP_URL", "mail.example.com")
    with pytest.raises(LocalStackFailed) as failed:
        start()
    assert "SMTP_URL cannot be used" in failed.value.message
    assert failed.value.hint == "correct or unset SMTP_URL"


def test_a_long_log_makes_room_and_one_old_one_is_kept(folder, start) -> None:
    (folder / "postgres.log").write_text("x" * 6_000_000)
    start()
    assert (folder / "postgres.log").stat().st_size < 100_000
    assert (folder / "postgres.log.old").stat().st_size == 6_000_000


def test_a_missing_package_is_named(start, place, monkeypatch) -> None:
    (place / "waitress.py").write_text("raise ImportError('No module named waitress')")
    monkeypatch.setenv("PYTHONPATH", str(place))
    with pytest.raises(LocalStackFailed) as failed:
        start()
    assert "waitress" in failed.value.message
    assert failed.value.hint == "pip install -r requirements.txt"


@pytest.fixture
def tiny_disk(place: Path) -> Iterator[Path]:
    """Return a file system with room for almost nothing; needs root."""
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a file system")
    mounted = place / "disk"
    mounted.mkdir()
    options = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(mounted)]
    if subprocess.run(options, capture_output=True).returncode != 0:
        pytest.skip("this machine does not let root mount a file system")
    yield mounted
    subprocess.run(["umount", str(mounted)], check=True)


def test_a_full_disk_is_named(tiny_disk: Path) -> None:
    folder = tiny_disk / "instance" / "devstack"
    with pytest.raises(LocalStackFailed) as failed:
        take_lease(folder, SITE, "test", print)
    assert "No room left" in failed.value.message.replace("no room", "No room")
    assert "free some space" in failed.value.hint
    assert not (folder / "cluster").exists()


def test_a_read_only_disk_is_named(tiny_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)
    with pytest.raises(LocalStackFailed, match="Cannot write to"):
        take_lease(tiny_disk / "instance" / "devstack", SITE, "test", print)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere; needs an ordinary user")
def test_an_unwritable_folder_is_named(place: Path) -> None:
    (place / "instance").mkdir(mode=0o555)
    with pytest.raises(LocalStackFailed) as failed:
        take_lease(place / "instance" / "devstack", SITE, "test", print)
    assert "Cannot write to" in failed.value.message
    assert f"chown -R $(id -un) '{place / 'instance'}'" in failed.value.hint
