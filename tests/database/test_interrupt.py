"""Ctrl-C ends a run at once: the statement is cancelled, nothing of the file stays, the exit code says so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from signet_db import runner
from tests.database.conftest import ask
from tests.database.paths import ROOT
from tests.support.patience import HANG_SECONDS

Write = Callable[[str, str], Path]
COMMAND = [sys.executable, "-c", "from signet_db.cli import db; db()"]


def wait_for(target: str, query: str) -> None:
    """Wait until a query finds something."""
    deadline = time.monotonic() + HANG_SECONDS
    with psycopg.connect(target, autocommit=True) as watcher:
        while watcher.execute(query.encode()).rowcount == 0:
            assert time.monotonic() < deadline, query
            time.sleep(0.01)


def interrupt(target: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `flask db`, press Ctrl-C while it sleeps in a statement, and return how it ended."""
    process = subprocess.Popen(
        [*COMMAND, *arguments, "--folder", str(folder)],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": target},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(target, "select from pg_stat_activity where wait_event = 'PgSleep'")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=HANG_SECONDS)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def test_ctrl_c_during_an_upgrade(target: str, folder: Path, write: Write) -> None:
    write("1_one.sql", "create table one ();")
    write("2_two.sql", "create table two (); select pg_sleep(600);")
    result = interrupt(target, folder, "upgrade")
    assert result.returncode == 130, result.stderr
    assert result.stderr.splitlines()[-2:] == [
        "  + 2  two ".ljust(60, ".") + " failed",
        "Interrupted.",
    ]
    wait_for(target, "select 1 where not exists (select from pg_stat_activity where wait_event = 'PgSleep')")
    assert ask(target, "select tablename from pg_tables where schemaname = 'public'") == [("one",)]
    assert [entry.record is not None for entry in runner.status(target, folder)] == [True, False]
