"""The local stack as a process: what it offers once it says that it is ready."""

from __future__ import annotations

import dataclasses
import json
import socket
import struct
import subprocess
import sys
from pathlib import Path

import httpx
import psycopg
import pytest

from signet_stack.errors import UnsupportedSystem
from signet_stack.handle import RunningStack, hold, status_of
from signet_stack.postgres.cluster import Cluster
from tests.conftest import ROOT
from tests.support.patience import HANG_SECONDS

pytestmark = pytest.mark.slow


def test_the_services_answer(stack: RunningStack) -> None:
    key = {"apikey": stack.publishable_key}
    assert httpx.get(f"{stack.api_url}/auth/v1/health", headers=key).status_code == 200
    keys = httpx.get(f"{stack.api_url}/auth/v1/.well-known/jwks.json").json()["keys"]
    assert {key["alg"] for key in keys} == {"ES256"}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts the packets of a connection")
def test_a_small_reply_comes_in_one_packet(stack: RunningStack) -> None:
    """Head and body apart would wake the client twice."""
    host = stack.api_url.removeprefix("http://")
    name, _, port = host.partition(":")
    request = f"GET /auth/v1/.well-known/jwks.json HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    with socket.create_connection((name, int(port)), timeout=HANG_SECONDS) as connection:
        connection.sendall(request.encode())
        reply = b"".join(iter(lambda: connection.recv(65536), b""))
        counters = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    assert reply.startswith(b"HTTP/1.1 200")
    (data_packets_received,) = struct.unpack_from("I", counters, 152)
    assert data_packets_received == 1


def test_the_database_has_the_migrations(stack: RunningStack) -> None:
    with psycopg.connect(stack.database_url) as connection:
        row = connection.execute("select current_user, to_regclass('public.profiles')::text").fetchone()
    assert row == ("postgres", "profiles")


def test_the_status_names_who_uses_it(stack: RunningStack) -> None:
    status = status_of(stack)
    assert status is not None
    assert status["state"] == "ready"
    assert [lease["name"] for lease in status["leases"]] == ["pytest"]
    assert status["signing_key_id"]


def test_windows_is_refused_with_the_two_ways_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import runpy, sys; sys.platform = 'win32'; sys.argv = ['x', 'status'];"
        " runpy.run_module('signet_stack', run_name='__main__')"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "Use it in WSL" in ended.stderr
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(UnsupportedSystem, match="does not run on Windows"):
        hold(tmp_path)


def test_a_request_without_the_token_gets_no_answer(stack: RunningStack) -> None:
    """Every user of the machine can reach the port; only the stack's owner can read the token."""
    stranger = dataclasses.replace(stack, control={**stack.control, "token": "guessed"})
    assert status_of(stranger) is None
    for want in ("lease", "stop"):
        connection = stranger.ask(want, "stranger")
        assert connection is not None
        with connection:
            assert connection.recv(1) == b""
    assert status_of(stack) is not None


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_servers_are_found_by_their_folder_on_every_system(cluster: Cluster, platform: str) -> None:
    """Where there is no /proc, psutil looks; it does so on Linux too."""
    program = (
        f"import pathlib, psutil, sys; sys.platform = {platform!r};"
        " from signet_stack.postgres import recovery;"
        " print(recovery.servers_in(pathlib.Path(sys.argv[1])))"
    )
    postmaster = int((cluster.data_dir / "postmaster.pid").read_text().splitlines()[0])
    for folder, is_there in ((cluster.data_dir, True), (cluster.data_dir.parent, False)):
        seen = subprocess.run(
            [sys.executable, "-c", program, str(folder)], cwd=ROOT, capture_output=True, text=True
        )
        assert (postmaster in json.loads(seen.stdout)) is is_there, seen.stderr
