"""Running as root: choose the account of the server, and the place of its cluster and programs.

PostgreSQL refuses root, so root's server runs in a user namespace or as another account, which may not be
able to reach the folder or the programs (a checkout that only its owner may read, a virtual environment under
/root). No permission of an existing folder is ever widened: what cannot be reached is copied or moved. For
an ordinary user there is nothing to choose.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from signet_stack.errors import PostgresError
from signet_stack.postgres.binaries import Binaries, copy_runtime
from signet_stack.postgres.privileges import RunAs, has_name, unprivileged_account
from signet_stack.postgres.recovery import clear_leftovers
from signet_stack.process.supervisor import Job, run

CLUSTER = "cluster"
STATE = Path("/var/lib/signet-pg")  # root's own place for what an account must reach


@dataclass(frozen=True, slots=True)
class Placement:
    """The account, the programs and the cluster folder of the server."""

    run_as: RunAs
    binaries: Binaries
    data_dir: Path


def place(folder: Path, binaries: Binaries, environ: Mapping[str, str], *, state: Path = STATE) -> Placement:
    """Return the placement for a prepared data folder; raise PostgresError when root cannot run a server."""
    if os.geteuid() != 0:
        _refuse_to_hide_roots_cluster(folder, state)
        return Placement(RunAs(), binaries, folder / CLUSTER)
    existing = existing_cluster(folder, state)
    if existing is not None:
        clear_leftovers(existing)  # before it may move or change hands
    named = environ.get("SIGNET_PG_USER")
    if not named:
        owner = (existing or folder).stat()
        if (
            owner.st_uid != 0
            and has_name(owner.st_uid)
            and can_enter(folder.parent, owner.st_uid, owner.st_gid)
        ):
            # Another user's cluster or checkout: it stays theirs, so that they can start it without root.
            return _as_account(folder, RunAs("account", owner.st_uid, owner.st_gid), binaries, state)
        if (run_as := namespace_for(folder, binaries)) is not None:
            data_dir = existing or folder / CLUSTER
            _hand_over(data_dir, run_as)
            return Placement(run_as, binaries, data_dir)
    account = unprivileged_account(named)
    if account is None:
        names = named or "postgres or nobody"
        raise PostgresError(
            f"PostgreSQL refuses to run as root, and there is no other account {names}.",
            "work as an ordinary user, or let SIGNET_PG_USER name an account of this machine",
        )
    return _as_account(folder, RunAs("account", account.pw_uid, account.pw_gid), binaries, state)


def _refuse_to_hide_roots_cluster(folder: Path, state: Path) -> None:
    """Raise PostgresError when root has put this folder's cluster where only root can use it."""
    theirs, ours = outside(folder, state), folder / CLUSTER
    if theirs.parent.exists() and not ours.exists():
        raise PostgresError(
            f"A start as root has put the cluster of {folder} in {theirs}. Nothing was changed.",
            f"sudo mv {theirs} '{ours}' && sudo rmdir {theirs.parent} && sudo chown -R $(id -un) '{folder}'",
        )


def existing_cluster(folder: Path, state: Path = STATE) -> Path | None:
    """Return the folder's cluster, wherever it was put."""
    return next(filter(os.path.exists, (folder / CLUSTER, outside(folder, state))), None)


def outside(folder: Path, state: Path = STATE) -> Path:
    """Return where the folder's cluster goes when the server's account cannot enter the folder."""
    return state / f"data-{hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]}" / CLUSTER


def can_enter(folder: Path, uid: int, gid: int) -> bool:
    """Whether an account may pass through all folders down to this one."""
    test = ["test", "-x", str(folder)]
    return subprocess.run(test, user=uid, group=gid, extra_groups=[], cwd="/").returncode == 0


def namespace_for(folder: Path, binaries: Binaries) -> RunAs | None:
    """Return a user namespace that reaches the folder and the programs, if this machine allows one."""
    account = unprivileged_account()
    if account is None:
        return None
    run_as = RunAs("namespace", account.pw_uid, account.pw_gid)
    script = 'test -w "$1" && exec "$2" --version'
    argv = ("/bin/sh", "-c", script, "sh", str(folder), binaries.program("postgres"))
    return run_as if run(Job(argv, Path(os.devnull), folder, run_as)) == 0 else None


def _as_account(folder: Path, run_as: RunAs, binaries: Binaries, state: Path) -> Placement:
    state.mkdir(parents=True, exist_ok=True)
    state.chmod(0o755)
    data_dir = folder / CLUSTER
    if not can_enter(folder.parent, run_as.uid, run_as.gid):
        data_dir = outside(folder, state)
        data_dir.parent.mkdir(mode=0o700, exist_ok=True)
    existing = existing_cluster(folder, state)
    if existing is not None and existing != data_dir:
        shutil.move(existing, data_dir)
        if existing == outside(folder, state):
            existing.parent.rmdir()
    _hand_over(data_dir, run_as)
    return Placement(run_as, copy_runtime(binaries, state) if binaries.is_bundled else binaries, data_dir)


def _hand_over(data_dir: Path, run_as: RunAs) -> None:
    """Make the server's user the owner of the cluster and of the folder that it is in."""
    account = run_as.kind == "account"
    uid, gid = (run_as.uid, run_as.gid) if account else (0, 0)
    os.chown(data_dir.parent, uid, gid)
    if data_dir.exists() and data_dir.stat().st_uid != uid:
        for path in (data_dir, *data_dir.rglob("*")):
            os.chown(path, uid, gid, follow_symlinks=False)
