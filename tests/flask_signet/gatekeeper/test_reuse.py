"""The example works in a folder of its own, and the gatekeeper package depends on nothing of ours."""

from __future__ import annotations

import ast
import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.flask_signet.gatekeeper.faulty_auth import PASSWORD, FaultyAuth
from tests.support.patience import HANG_SECONDS

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "flask_signet" / "gatekeeper"
ALLOWED = {"cryptography", "flask", "httpcore", "httpx", "jwt", "werkzeug", *sys.stdlib_module_names}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_it_imports_nothing_of_ours_from_outside(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        else:
            assert not (isinstance(node, ast.ImportFrom) and node.level > 1), "stays within its folder"
            continue
        assert {name.partition(".")[0] for name in names} <= ALLOWED


def test_the_example_is_short_enough_to_read_at_a_glance() -> None:
    lines = (ROOT / "examples" / "minimal.py").read_text().splitlines()
    assert len([line for line in lines if line.strip()]) <= 25


@pytest.fixture
def example(auth: FaultyAuth, tmp_path: Path) -> Iterator[http.client.HTTPConnection]:
    """Run the example in another folder, with flask_signet importable as an installed package is."""
    shutil.copytree(ROOT / "examples", tmp_path / "app")
    site = tmp_path / "site-packages"
    shutil.copytree(
        ROOT / "flask_signet", site / "flask_signet", ignore=shutil.ignore_patterns("__pycache__")
    )
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(site),
        "SUPABASE_URL": auth.url,
        "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_test",
        "SITE_URL": f"http://127.0.0.1:{port}",
        "SECRET_KEY": "a-secret-key-of-more-than-32-bytes-for-tests",
    }
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--bind", f"fd://{listening.fileno()}", "minimal:app"],
        cwd=tmp_path / "app",
        env=environ,
        pass_fds=[listening.fileno()],
        stderr=subprocess.DEVNULL,
    )
    listening.close()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=HANG_SECONDS)
    yield connection
    connection.close()
    server.terminate()
    server.wait(HANG_SECONDS)


def call(
    connection: http.client.HTTPConnection, method: str, path: str, cookies: SimpleCookie, body: str = ""
) -> tuple[int, str, str]:
    """Send one request as a browser does; return status, Location and text."""
    headers = {"Cookie": "; ".join(f"{name}={morsel.coded_value}" for name, morsel in cookies.items())}
    if body:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    for line in response.headers.get_all("Set-Cookie") or ():
        cookies.load(line)
    return response.status, response.headers.get("Location", ""), response.read().decode()


def test_the_example_logs_in_and_refreshes_outside_the_checkout(
    example: http.client.HTTPConnection, auth: FaultyAuth
) -> None:
    cookies = SimpleCookie()
    assert call(example, "GET", "/", cookies)[:2] == (303, "/login?next=/")
    _, _, page = call(example, "GET", "/login", cookies)
    assert "Log in to see this page." in page
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    form = {"csrf_token": found[1], "email": "alice@example.com"}
    _, _, page = call(example, "POST", "/login", cookies, urlencode({**form, "password": "wrong"}))
    assert "Invalid login credentials" in page
    auth.sign_in_age = 3590  # its token is near its end, so the next page refreshes it
    status, _, _ = call(example, "POST", "/login", cookies, urlencode({**form, "password": PASSWORD}))
    assert status == 303
    before = {name: morsel.value for name, morsel in cookies.items()}
    assert call(example, "GET", "/", cookies)[2] == "Hello alice@example.com"
    assert auth.calls["refresh"] == 1
    assert {name: morsel.value for name, morsel in cookies.items()} != before
    assert call(example, "GET", "/", cookies)[2] == "Hello alice@example.com"
    assert auth.calls["refresh"] == 1
