"""`flask local`, seen from the terminal: what it prints, its exit codes, what it asks before it deletes."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
import subprocess
import sys

import httpx
import psycopg
import pytest

from tests.signet_stack.lifecycle.checkout import ENVIRONMENT, MIGRATIONS, PATIENCE, Checkout

pytestmark = pytest.mark.slow


def test_status_says_that_nothing_runs(clone: Checkout) -> None:
    status = clone.run("flask", "local", "status")
    assert status.returncode == 3
    assert status.stdout == "The local stack is not running.\nNext: flask run  or  flask local start\n"
    assert json.loads(clone.run("flask", "local", "status", "--json").stdout) == {
        "running": False,
        "state": "stopped",
    }


def test_the_table_and_its_json_mask_what_is_secret_unless_asked(held: Checkout) -> None:
    starter = held.commands[0]
    stack = held.running()
    secrets = (stack.secret_key, stack.management_token, stack.database_url.split(":")[2].split("@")[0])
    table = held.run("flask", "local", "status")
    masked = held.run("flask", "local", "status", "--json")
    full = held.run("flask", "local", "status", "--json", "--show-secrets")
    assert table.returncode == 0
    for output in (table.stdout, masked.stdout, starter.log):
        assert not [secret for secret in secrets if secret in output]
    described = json.loads(full.stdout)
    assert described["running"] is True
    assert described["api_url"] == stack.api_url
    assert described["secret_key"] == stack.secret_key
    assert described["database_url"] == stack.database_url
    assert [one["state"] for one in described["migrations"]] == ["applied"] * MIGRATIONS
    assert described["leases"] == [{"pid": starter.pid, "name": "flask local start"}]
    keys = httpx.get(f"{stack.api_url}/auth/v1/.well-known/jwks.json").json()["keys"]
    assert described["signing_key_id"] == keys[0]["kid"]
    assert keys[0]["kid"] in table.stdout


def test_starts_share_one_stack_until_a_stop(checkout: Checkout) -> None:
    """Ctrl-C reaches every process that was started from the terminal; the stack is none of them."""
    first = checkout.hold()
    second = checkout.hold()
    assert "is running already" in second.log
    assert [line for line in second.log.splitlines() if line.startswith("API")] == [
        line for line in first.log.splitlines() if line.startswith("API")
    ]
    os.killpg(first.pid, signal.SIGINT)
    assert first.wait(PATIENCE) == 0
    assert "Still running, for others." in first.log
    stopped = checkout.run("flask", "local", "stop")
    assert stopped.returncode == 0
    assert stopped.stdout == "Stopped. Everything is kept.\n"
    assert f"flask local start (process {second.pid})" in stopped.stderr
    assert second.wait(PATIENCE) == 1
    assert "The local stack has ended." in second.log
    checkout.assert_nothing_left()
    again = checkout.run("flask", "local", "stop")
    assert (again.returncode, again.stdout) == (0, "The local stack is not running.\n")


def test_seeding_twice_makes_three_people_once_who_can_sign_in(held: Checkout) -> None:
    people = json.loads(held.run("flask", "local", "seed", "--json").stdout)
    again = held.run("flask", "local", "seed")
    assert again.returncode == 0, again.stderr
    assert "correct horse battery staple" in again.stdout
    stack = held.running()
    with psycopg.connect(stack.database_url) as connection:
        rows = connection.execute("select email from auth.users order by email").fetchall()
    assert [email for (email,) in rows] == people["people"]
    for email in people["people"]:
        signed_in = httpx.post(
            f"{stack.api_url}/auth/v1/token?grant_type=password",
            headers={"apikey": stack.publishable_key},
            json={"email": email, "password": "correct horse battery staple"},
        )
        assert signed_in.json()["user"]["email"] == email


def test_reset_refuses_while_the_stack_is_in_use(held: Checkout) -> None:
    refused = held.run("flask", "local", "reset", "--yes")
    assert refused.returncode == 1
    assert f"in use by flask local start (process {held.commands[0].pid})" in refused.stderr
    assert "Next: flask local reset --stop" in refused.stderr
    assert held.commands[0].poll() is None


def test_reset_stops_the_stack_when_told_and_deletes_everything(checkout: Checkout) -> None:
    checkout.hold()
    done = checkout.run("flask", "local", "reset", "--yes", "--stop")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in checkout.folder.iterdir()) == [".gitignore", "lock"]
    checkout.assert_nothing_left()


def test_reset_never_waits_for_an_answer_that_nobody_can_give(checkout: Checkout) -> None:
    refused = checkout.run("flask", "local", "reset")
    assert refused.returncode == 1
    assert "every person, row, mail and signing key" in refused.stderr
    assert "--yes" in refused.stderr
    assert (checkout.folder / "cluster").exists()


@pytest.mark.parametrize(("answer", "is_kept"), [("n", True), ("y", False)])
def test_reset_asks_and_does_what_is_answered(checkout: Checkout, answer: str, is_kept: bool) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "wb"), os.fdopen(theirs, "rb") as terminal:
        os.write(ours, f"{answer}\n".encode())
        subprocess.run(
            [sys.executable, "-m", "flask", "local", "reset"],
            cwd=checkout.path,
            env=ENVIRONMENT,
            stdin=terminal,
            capture_output=True,
        )
    assert (checkout.folder / "cluster").exists() is is_kept


def test_db_commands_use_the_local_stack_and_leave_none(checkout: Checkout) -> None:
    status = checkout.run("flask", "db", "status")
    assert f"{MIGRATIONS} applied, 0 pending" in status.stdout
    assert "(local)" in status.stdout
    checkout.assert_nothing_left()


def test_a_busy_port_is_named_before_anything_is_started(clone: Checkout) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        refused = clone.run("flask", "run", "--port", str(port))
    assert refused.returncode == 1
    assert f"Port {port} is in use by" in refused.stderr
    assert f"(process {os.getpid()})" in refused.stderr
    assert "Next: flask run --port " in refused.stderr
    assert not (clone.path / "instance").exists()


def test_a_broken_migration_stops_flask_run_with_its_line(checkout: Checkout) -> None:
    broken = checkout.path / "migrations" / "30000101000000_broken.sql"
    broken.write_text("create table t (id int);\nselec 1;\n")
    refused = checkout.run("flask", "run", "--port", "0")
    assert refused.returncode == 1
    assert f"{broken.name}:2" in refused.stderr
    checkout.assert_nothing_left()
