"""A run that is killed at any moment leaves each file wholly applied and recorded, or not at all."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from signet_db import history, runner
from signet_stack.postgres.cluster import Cluster
from tests.database.slow_network import slow_network
from tests.support.patience import HANG_SECONDS

pytestmark = pytest.mark.slow

Write = Callable[[str, str], Path]
ROOT = Path(__file__).resolve().parents[2]
FILES = 5
KILLS = 50

# Runs once itself, to import everything; then forks: each run begins at once and is a process of its own.
RUNS = """
import os, sys
from pathlib import Path
from signet_db import runner
runner.upgrade(sys.argv[1], Path(sys.argv[2]))
print("ready", flush=True)
for line in sys.stdin:
    target, folder = line.rstrip("\\n").split("\\t")
    pid = os.fork()
    if pid == 0:
        runner.upgrade(target, Path(folder))
        os._exit(0)
    print(pid, flush=True)
    print(os.waitpid(pid, 0)[1], flush=True)
"""


@contextmanager
def forker(target: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run the process that makes the runs; it ends with its standard input."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUNS, target, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.communicate(timeout=HANG_SECONDS)


def start(process: subprocess.Popen[str], target: str, folder: Path) -> int:
    """Start a run and return its process id."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{target}\t{folder}\n")
    process.stdin.flush()
    return int(process.stdout.readline())


def ended(process: subprocess.Popen[str]) -> int:
    """Wait for the run and return how it ended."""
    assert process.stdout is not None
    return int(process.stdout.readline())


def wait_for_runs(watcher: Connection[TupleRow]) -> None:
    """Wait until the server has noticed that the client is gone."""
    query = "select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    deadline = time.monotonic() + HANG_SECONDS
    while watcher.execute(query).rowcount:
        assert time.monotonic() < deadline, "the backend of a killed run stays"
        time.sleep(0.001)


def applied_wholly(watcher: Connection[TupleRow]) -> int:
    """Return how many files are applied; fail when one of them is there in part."""
    rows = watcher.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
    recorded = {one.version: one.checksum for one in history.read(watcher)}
    assert all(recorded.values())
    assert list(recorded) == [str(number) for number in range(1, len(recorded) + 1)]
    assert {name for (name,) in rows} == {
        f"{part}_{number}" for number in recorded for part in ("first", "second")
    }
    return len(recorded)


def begin_anew(watcher: Connection[TupleRow]) -> None:
    """Empty the schema and the history."""
    watcher.execute(
        """
        drop schema if exists supabase_migrations cascade;
        drop schema public cascade;
        create schema public;
        """
    )


def run_and_kill(process: subprocess.Popen[str], target: str, folder: Path, seconds: float | None) -> float:
    """Run an upgrade, kill it after some seconds if given, and return how long it ran."""
    began = time.monotonic()
    pid = start(process, target, folder)
    if seconds is not None:
        time.sleep(seconds)
        with suppress(ProcessLookupError):  # it was done before
            os.kill(pid, signal.SIGKILL)
    assert ended(process) in (0, signal.SIGKILL)
    return time.monotonic() - began


def test_killed_at_fifty_moments(cluster: Cluster, target: str, folder: Path, write: Write) -> None:
    for number in range(1, FILES + 1):
        write(f"{number}_file.sql", f"create table first_{number} (); create table second_{number} ();")
    seen: set[int] = set()
    moments = random.Random(6)
    longest = 0.0
    with (
        forker(target, folder) as process,
        slow_network(cluster.port) as port,
        psycopg.connect(target, autocommit=True) as watcher,
    ):
        slow_target = psycopg.conninfo.make_conninfo(target, port=port)
        for number in range(KILLS + 1):
            begin_anew(watcher)
            # The first run is measured; it may end.
            seconds = moments.uniform(0, longest) if number else None
            whole = run_and_kill(process, slow_target, folder, seconds)
            longest = longest if number else whole
            wait_for_runs(watcher)
            seen.add(applied := applied_wholly(watcher))
            assert len(runner.upgrade(target, folder)) == FILES - applied
            wait_for_runs(watcher)
    assert len(seen) > 2, f"the kills did not hit the middle of a run: {seen}"
