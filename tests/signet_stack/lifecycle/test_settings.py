"""Settings that are not complete: the set-up page under `flask`, the list and an end under other servers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.conftest import free_port
from tests.signet_stack.lifecycle.checkout import PATIENCE, Checkout, answers

pytestmark = pytest.mark.slow

HOSTED = {
    "SUPABASE_URL": "https://abcdefgh.supabase.co",
    "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_example",
    "SECRET_KEY": "0123456789abcdef0123456789abcdef",
    "SITE_URL": "https://www.example.com",
}
VARIABLES = ("SUPABASE_URL", "SUPABASE_PUBLISHABLE_KEY", "SITE_URL", "SECRET_KEY")


def serve(command: list[str], folder: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def test_flask_serves_the_set_up_page_everywhere(clone: Checkout, port: int) -> None:
    command = clone.begin("flask", "run", "--port", str(port), environ={"SUPABASE_LOCAL": ""})
    command.wait_for(lambda: "Running on" in command.log, "a server")
    for path in ("/", "/profile", "/nowhere"):
        page = httpx.get(f"http://127.0.0.1:{port}{path}")
        assert page.status_code == 503
        for variable in VARIABLES:
            assert variable in page.text
    assert not (clone.path / "instance").exists()


def test_commands_work_without_settings(clone: Checkout) -> None:
    routes = clone.run("flask", "routes", environ={"SUPABASE_LOCAL": ""})
    assert "profiles." in routes.stdout


SERVERS = {
    "gunicorn": ["gunicorn", "wsgi:app"],
    "gunicorn-started-elsewhere": ["gunicorn", "--chdir", "{checkout}", "wsgi:app"],
    "waitress": ["waitress", "wsgi:app"],
}


@pytest.mark.parametrize("server", SERVERS)
def test_other_servers_end_with_the_whole_list(clone: Checkout, place: Path, server: str) -> None:
    """With exit code 2; a gunicorn that reads no configuration of ours ends too, with a code of its own."""
    argv = [word.replace("{checkout}", str(clone.path)) for word in SERVERS[server]]
    options = ["--bind", f"127.0.0.1:{free_port()}"] if "gunicorn" in server else ["--port", str(free_port())]
    folder = place if "elsewhere" in server else clone.path
    ended = serve([argv[0], *options, *argv[1:]], folder, {"SUPABASE_URL": "ftp://nowhere"})
    assert ended.returncode == 2 or (ended.returncode != 0 and "elsewhere" in server)
    for variable in VARIABLES:
        assert variable in ended.stderr
    assert "ftp://nowhere" in ended.stderr


def test_gunicorn_serves_when_the_settings_are_complete(clone: Checkout, port: int) -> None:
    environ = {**HOSTED, "SITE_URL": f"http://127.0.0.1:{port}", "SUPABASE_LOCAL": ""}
    server = clone.begin("gunicorn", "--bind", f"127.0.0.1:{port}", "wsgi:app", environ=environ)
    server.wait_for(lambda: answers(f"http://127.0.0.1:{port}/healthz"), "a page")
