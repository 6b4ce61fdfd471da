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

from app.migrate import history, runner
from devstack.postgres import SUPERUSER, Cluster
from tests.conftest import new_database

Write = Callable[[str, str], Path]
ROOT = Path(__file__).resolve().parents[2]
FILES = 5
KILLS = 50

# Imports once and forks for every run, so that a run begins at once and is a process of its own all the same.
RUNS = """
import os, sys
from pathlib import Path
from app.migrate import history, runner
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
def forker() -> Iterator[subprocess.Popen[str]]:
    """Run the process that makes the runs; it ends with its standard input."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUNS], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.communicate(timeout=30)


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


def wait_for_backends(cluster: Cluster, database: str) -> None:
    """Wait until the server has noticed that the client is gone."""
    with psycopg.connect(cluster.dsn(SUPERUSER, "template1"), autocommit=True) as admin:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            query = "select from pg_stat_activity where datname = %s"
            if admin.execute(query, (database,)).rowcount == 0:
                return
            time.sleep(0.002)
    pytest.fail("the backend of a killed run stays")


def applied_wholly(target: str) -> int:
    """Return how many files are applied; fail when one of them is there in part."""
    with psycopg.connect(target) as connection:
        rows = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
        recorded = {one.version: one.checksum for one in history.read(connection)}
    assert all(recorded.values())
    assert list(recorded) == [str(number) for number in range(1, len(recorded) + 1)]
    assert {name for (name,) in rows} == {
        f"{part}_{number}" for number in recorded for part in ("first", "second")
    }
    return len(recorded)


def slow_history(target: str) -> None:
    """Make the history, and let every record take a moment, so that kills fall between it and the commit."""
    with psycopg.connect(target) as connection:
        history.ensure(connection)
        connection.execute(
            """
            create function supabase_migrations.pause() returns trigger language plpgsql
            as $$ begin perform pg_sleep(0.002); return new; end $$;
            create trigger pause before insert on supabase_migrations.schema_migrations
            for each row execute function supabase_migrations.pause();
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


def test_killed_at_fifty_moments(cluster: Cluster, folder: Path, write: Write) -> None:
    for number in range(1, FILES + 1):
        text = f"create table first_{number} (); select pg_sleep(0.002); create table second_{number} ();"
        write(f"{number}_file.sql", text)
    seen: set[int] = set()
    moments = random.Random(6)
    seconds: float | None = None  # the first runs are not killed, but measured
    with forker() as process:
        for number in range(KILLS + 2):
            with new_database(cluster) as database:
                target = cluster.dsn("postgres", database)
                slow_history(target)
                whole = run_and_kill(process, target, folder, seconds)
                wait_for_backends(cluster, database)
                seen.add(applied := applied_wholly(target))
                assert len(runner.upgrade(target, folder)) == FILES - applied
            if number < 2:
                longest = whole
            seconds = moments.uniform(0, longest) if number else None
    assert len(seen) > 2, f"the kills did not hit the middle of a run: {seen}"
