"""The local stack as a process: what it offers once it says that it is ready."""

from __future__ import annotations

import dataclasses
import json
import socket
import stat
import struct
import subprocess
import sys
from pathlib import Path

import httpx
import psycopg
import pytest

from app.errors import Misconfigured
from app.local_stack import stack_for
from app.startup import local_secret_key
from signet_stack.handle import RunningStack, status_of
from signet_stack.postgres.cluster import Cluster
from tests.conftest import ROOT
from tests.support.patience import HANG_SECONDS


def test_the_services_answer(stack: RunningStack) -> None:
    key = {"apikey": stack.publishable_key}
    assert httpx.get(f"{stack.api_url}/auth/v1/health", headers=key).status_code == 200
    keys = httpx.get(f"{stack.api_url}/auth/v1/.well-known/jwks.json").json()["keys"]
    assert [key["alg"] for key in keys] == ["ES256"]


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


def test_windows_is_told_where_the_stack_works(monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import runpy, sys; sys.platform = 'win32'; runpy.run_module('signet_stack', run_name='__main__')"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "use it in WSL" in ended.stderr
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(Misconfigured, match="does not run on Windows"):
        stack_for()


@pytest.mark.parametrize("content", [None, "", "short"], ids=["missing", "empty", "cut-short"])
def test_the_local_secret_key_is_made_when_it_is_of_no_use_and_kept_after_that(
    tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "secret_key").write_text(content)
    key = local_secret_key(tmp_path)
    assert len(key) == 64
    assert local_secret_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


def test_a_secret_key_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret_key").mkdir()
    with pytest.raises(Misconfigured, match="secret_key cannot be used"):
        local_secret_key(tmp_path)


def test_whoever_does_not_know_the_token_is_not_heard(stack: RunningStack) -> None:
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
