"""What cannot heal itself ends with one error and the next step, and changes nothing."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from signet_stack.errors import LocalStackFailed, NotOwner
from signet_stack.process.lease import take_lease
from tests.signet_stack.lifecycle.conftest import Start

pytestmark = pytest.mark.slow

SITE = "http://127.0.0.1:8000"


def test_a_cluster_of_another_major_version_is_left_alone(folder: Path, start: Start) -> None:
    version = folder / "cluster" / "PG_VERSION"
    version.write_text("17\n")
    with pytest.raises(LocalStackFailed) as failed:
        start()
    assert "PostgreSQL 17 made the cluster" in failed.value.message
    assert "python -m signet_stack reset" in failed.value.hint
    version.write_text("18\n")
    start()


def test_a_folder_that_is_no_cluster_is_left_alone(folder: Path, start: Start) -> None:
    shutil.rmtree(folder / "cluster")
    (folder / "cluster").mkdir()
    (folder / "cluster" / "thesis.odt").touch()
    with pytest.raises(LocalStackFailed) as failed:
        start()
    assert "is not a PostgreSQL cluster" in failed.value.message
    assert (folder / "cluster" / "thesis.odt").exists()


@pytest.mark.parametrize("name", ["instance", "signet_stack"])
def test_a_file_where_the_folder_should_be_is_named(place: Path, name: str) -> None:
    folder = place / "instance" / "signet_stack"
    file = folder if name == "signet_stack" else folder.parent
    file.parent.mkdir(exist_ok=True)
    file.touch()
    with pytest.raises(LocalStackFailed) as failed:
        take_lease(folder, SITE, "test", print)
    assert failed.value.message == f"{file} is a file, and a folder is needed there."
    assert failed.value.hint == f"mv '{file}' '{file}.old'"


def test_a_busy_port_that_was_asked_for_is_named(folder: Path, start: Start, leases: ExitStack) -> None:
    other = leases.enter_context(socket.socket())
    other.bind(("127.0.0.1", 0))
    other.listen()
    port = other.getsockname()[1]
    for option in ("--api-port", "--db-port"):
        with pytest.raises(LocalStackFailed, match=f"Port {port} is in use"):
            start(option, str(port))


def test_the_programs_that_the_environment_names_are_checked(
    start: Start, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNET_PG_BIN", str(place))
    with pytest.raises(LocalStackFailed) as failed:
        start()
    assert failed.value.message == f"{place / 'postgres'} does not run: No such file or directory."
    assert "SIGNET_PG_BIN" in failed.value.hint
    (place / "postgres").write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 16.4'\n")
    (place / "postgres").chmod(0o755)
    with pytest.raises(LocalStackFailed, match="needs 17 or newer"):
        start()


def test_a_mail_server_that_cannot_be_understood_is_named(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMTP_URL", "mail.example.com")
    with pytest.raises(LocalStackFailed) as failed:
        start()
    assert "SMTP_URL cannot be used" in failed.value.message
    assert failed.value.hint == "correct or unset SMTP_URL"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything; needs an ordinary user")
def test_a_stack_of_another_user_is_named(folder: Path) -> None:
    folder.chmod(0)
    with pytest.raises(NotOwner, match="belongs to another user"):
        take_lease(folder, SITE, "test", print)
    folder.chmod(0o700)


def test_a_missing_package_is_named(start: Start, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "waitress.py").write_text("raise ImportError('No module named waitress')")
    monkeypatch.setenv("PYTHONPATH", str(place))
    with pytest.raises(LocalStackFailed) as failed:
        start()
    assert "waitress" in failed.value.message
    assert failed.value.hint.startswith('pip install "flask-signet[stack]"')


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
    folder = tiny_disk / "instance" / "signet_stack"
    with pytest.raises(LocalStackFailed) as failed:
        take_lease(folder, SITE, "test", print)
    assert "No room left" in failed.value.message.replace("no room", "No room")
    assert "free some space" in failed.value.hint
    assert not (folder / "cluster").exists()


def test_a_read_only_disk_is_named(tiny_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)
    with pytest.raises(LocalStackFailed, match="Cannot write to") as failed:
        take_lease(tiny_disk / "instance" / "signet_stack", SITE, "test", print)
    assert failed.value.hint == "use a folder on another disk"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere; needs an ordinary user")
def test_an_unwritable_folder_is_named(place: Path) -> None:
    (place / "instance").mkdir(mode=0o555)
    with pytest.raises(LocalStackFailed) as failed:
        take_lease(place / "instance" / "signet_stack", SITE, "test", print)
    assert "Cannot read or write" in failed.value.message
    assert f"chown -R $(id -un) '{place / 'instance'}'" in failed.value.hint
