"""From a clone to a page, and who keeps the local stack alive."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from signet_stack.handle import is_locked
from tests.signet_stack.lifecycle.checkout import MIGRATIONS, Checkout, answers, until

pytestmark = pytest.mark.slow


def test_one_command_leads_from_a_clone_to_a_page(clone: Checkout, port: int) -> None:
    """Also in a folder that only its owner may enter, and without HOME or a configuration file of ours."""
    clone.path.chmod(0o700)
    server = clone.serve(port)
    described = clone.stack_json()
    page = httpx.get(f"http://127.0.0.1:{port}/")
    assert page.status_code == 200
    for line in (
        f"App          http://127.0.0.1:{port}",
        f"API          {described['api_url']}",
        f"Mail         {described['mailbox_url']}",
        f"Migrations   {MIGRATIONS} applied, 0 pending",
    ):
        assert line in server.log
    assert "creating a cluster" in server.log
    server.send_signal(signal.SIGINT)
    clone.assert_nothing_left()
    assert server.returncode == 0
    assert not is_locked(clone.folder)
    for secret in (*described["passwords"].values(), described["secret_key"], described["management_token"]):
        assert secret not in server.log


def test_nobody_else_can_read_the_instance_folder(held: Checkout) -> None:
    assert stat.S_IMODE(held.folder.stat().st_mode) == 0o700
    for path in held.folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs /proc to see the listening sockets")
def test_everything_listens_on_loopback_only(held: Checkout) -> None:
    inodes = {
        os.readlink(link)
        for pid in held.processes()
        for link in Path(f"/proc/{pid}/fd").iterdir()
        if link.is_symlink()
    }
    listening = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for row in Path(table).read_text().splitlines()[1:]:
            columns = row.split()
            if columns[3] == "0A" and f"socket:[{columns[9]}]" in inodes:
                listening.append(columns[1].partition(":")[0])
    assert len(listening) == 3, "the services, the control socket and PostgreSQL"
    assert set(listening) == {"0100007F"}


def test_a_restart_keeps_keys_ports_and_issuer(checkout: Checkout) -> None:
    first = checkout.stack_json()
    checkout.hold()
    second = checkout.stack_json()
    kept = ("publishable_key", "secret_key", "management_token", "passwords", "issuer")
    assert {name: second[name] for name in kept} == {name: first[name] for name in kept}


def test_the_stack_lives_as_long_as_anybody_uses_it(checkout: Checkout, port: int) -> None:
    """A joiner dies first, then the starter, then another joiner."""
    starter = checkout.hold()
    stack = checkout.running()
    checkout.serve(port).kill()
    until(lambda: checkout.leases() == [starter.pid], "the end of a joiner's lease")
    joiner = checkout.hold()
    assert set(checkout.leases()) == {starter.pid, joiner.pid}
    starter.kill()
    until(lambda: checkout.leases() == [joiner.pid], "the end of the starter's lease")
    assert answers(f"{stack.api_url}/auth/v1/.well-known/jwks.json")
    assert checkout.running().pid == stack.pid
    joiner.kill()
    checkout.assert_nothing_left()


def test_a_stack_in_the_foreground_belongs_to_its_terminal(checkout: Checkout) -> None:
    """Whoever joins it may come and go."""
    foreground = checkout.begin("signet_stack", "--folder", str(checkout.folder))
    foreground.wait_for(lambda: "Ctrl-C" in foreground.log, "the stack")
    assert checkout.run("flask", "db", "status").returncode == 0
    assert checkout.leases() == [foreground.pid]
    os.killpg(foreground.pid, signal.SIGINT)
    checkout.assert_nothing_left()
    assert foreground.returncode == 0


def test_of_commands_that_start_together_one_starts_the_stack_and_the_others_join(clone: Checkout) -> None:
    commands = [clone.begin("flask", "local", "start") for _ in range(3)]
    for command in commands:
        command.wait_for(lambda command=command: "Stop: Ctrl-C" in command.log, "the stack")
    assert set(clone.leases()) == {command.pid for command in commands}
    assert sum("creating a cluster" in command.log for command in commands) == 1
    for command in commands:
        command.send_signal(signal.SIGINT)
    clone.assert_nothing_left()
    assert [command.returncode for command in commands] == [0, 0, 0]
    assert sum("Stopped. Everything is kept." in command.log for command in commands) == 1
    assert not is_locked(clone.folder)


def test_commands_that_need_no_stack_start_none(clone: Checkout) -> None:
    for command in (["--help"], ["routes"], ["db", "upgrade", "--help"]):
        assert clone.run("flask", *command).returncode == 0
    assert not (clone.path / "instance").exists()


def test_the_flaskenv_file_asks_for_the_local_stack(checkout: Checkout) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flask", "shell"],
        cwd=checkout.path,
        env={"PATH": os.environ["PATH"]},
        input="from flask import current_app as a; print('issuer', a.extensions['settings'].issuer)",
        capture_output=True,
        text=True,
    )
    assert f"issuer {checkout.stack_json()['issuer']}" in done.stdout, done.stderr
    checkout.assert_nothing_left()
