"""`LocalStack`: from Python, temporary or with a folder; nothing is left, whatever is killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from signet_db.errors import InputRejected
from signet_stack.errors import LocalStackFailed
from signet_stack.handle import LocalStack, is_locked, temporary_folder
from tests.conftest import ROOT
from tests.signet_stack.lifecycle.checkout import until
from tests.support.processes import processes_of

pytestmark = pytest.mark.slow

HOLDER = """
import sys, time
from signet_stack.handle import LocalStack
with LocalStack() as stack:
    print(stack.folder, stack.running.pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def handle() -> Iterator[LocalStack]:
    with LocalStack() as stack:
        yield stack


def test_a_temporary_stack_is_gone_after_the_block(tmp_path: Path) -> None:
    with LocalStack() as stack:
        folder = stack.folder
        assert is_locked(folder)
        assert httpx.get(f"{stack.url}/auth/v1/.well-known/jwks.json").is_success
    assert not folder.exists()
    assert not processes_of(folder)
    with pytest.raises(LocalStackFailed, match="not running"):
        _ = stack.url


def test_several_stacks_run_at_once(handle: LocalStack) -> None:
    with LocalStack() as other:
        assert other.url != handle.url
        assert other.database_url.partition("@")[2] != handle.database_url.partition("@")[2]
        other.create_user("alice@example.com", "correct horse battery staple")
        with psycopg.connect(handle.database_url) as connection:
            found = connection.execute("select from auth.users where email = 'alice@example.com'")
            assert found.rowcount == 0


def test_a_created_user_can_sign_in_and_a_second_one_is_refused(handle: LocalStack) -> None:
    user = handle.create_user("bob@example.com", "correct horse battery staple", user_metadata={"a": 1})
    signed_in = httpx.post(
        f"{handle.url}/auth/v1/token?grant_type=password",
        headers={"apikey": handle.publishable_key},
        json={"email": "bob@example.com", "password": "correct horse battery staple"},
    )
    assert signed_in.json()["user"]["id"] == user["id"]
    assert user["user_metadata"]["a"] == 1
    with pytest.raises(InputRejected) as refused:
        handle.create_user("bob@example.com", "correct horse battery staple")
    assert refused.value.code == "email_exists"


def test_new_databases_follow_the_migrations_that_were_applied(handle: LocalStack, tmp_path: Path) -> None:
    blank = handle.new_database()
    (tmp_path / "20260101000000_notes.sql").write_text("create table notes (id int);")
    assert handle.apply_migrations(tmp_path) == ["20260101000000"]
    assert handle.apply_migrations(tmp_path) == []
    migrated = handle.new_database()
    for url, found in ((blank, None), (migrated, "notes"), (handle.database_url, "notes")):
        with psycopg.connect(url) as connection:
            row = connection.execute("select to_regclass('public.notes')::text").fetchone()
        assert row == (found,)
    handle.drop_database(blank)
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(blank)


def test_a_folder_keeps_the_data_and_no_new_database(place: Path) -> None:
    with LocalStack(place / "data") as stack:
        user = stack.create_user("alice@example.com", "correct horse battery staple")
        stack.new_database()
    with LocalStack(str(place / "data")) as stack, psycopg.connect(stack.database_url) as connection:
        rows = connection.execute("select id::text from auth.users").fetchall()
        names = connection.execute("select from pg_database where datname like 'signet_scratch%'").rowcount
    assert rows == [(user["id"],)]
    assert names == 0
    assert (place / "data" / "stack.json").exists()


@pytest.mark.parametrize("victims", ["holder", "stack", "both"])
def test_nothing_is_left_after_kill_9(victims: str) -> None:
    """Of both at once only the supervisor is left, which stops PostgreSQL and deletes the folder."""
    argv = [sys.executable, "-c", HOLDER]
    with subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        folder, pid = holder.stdout.readline().split()
        if victims in ("holder", "both"):
            holder.kill()
        if victims in ("stack", "both"):
            os.kill(int(pid), signal.SIGKILL)
        until(lambda: not processes_of(Path(folder)), "the end of every process of the stack")
        until(lambda: not Path(folder).exists(), "the end of the folder")


def test_a_folder_that_was_left_is_cleared_by_the_next_stack_and_a_new_one_is_not() -> None:
    left, new = temporary_folder(), temporary_folder()
    for folder in (left, new):
        (folder / "lock").touch()
    os.utime(left, (time.time() - 3600, time.time() - 3600))
    third = temporary_folder()
    assert [folder.exists() for folder in (left, new, third)] == [False, True, True]
    for folder in (new, third):
        shutil.rmtree(folder)
