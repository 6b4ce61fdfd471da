"""Auth and the data API cannot starve each other, and idle connections block neither."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from wsgiref.types import StartResponse, WSGIEnvironment

import httpx
import pytest

from signet_stack.http_server import THREADS, new_server
from tests.support.patience import HANG_SECONDS

IDLE = 400


class Blocking:
    """Answers at once, except below paths that end in /slow: those wait for ``release``."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.waiting = threading.Semaphore(0)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        if environ["PATH_INFO"].endswith("/slow"):
            self.waiting.release()
            self.release.wait(HANG_SECONDS)
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]


@pytest.fixture
def application() -> Iterator[Blocking]:
    """Return the application; whatever waits is released at the end."""
    application = Blocking()
    yield application
    application.release.set()


@pytest.fixture
def port(application: Blocking) -> Iterator[int]:
    """Serve it; return the port."""
    server = new_server(application, host="127.0.0.1", port=0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield int(server.effective_port)  # type: ignore[union-attr]
    application.release.set()
    server.close()


@pytest.mark.parametrize(("busy", "other"), [("/rest/v1", "/auth/v1"), ("/auth/v1", "/rest/v1")])
def test_a_service_whose_threads_are_all_busy_does_not_delay_the_other(
    application: Blocking, port: int, busy: str, other: str
) -> None:
    url = f"http://127.0.0.1:{port}"
    with ThreadPoolExecutor(2 * THREADS) as pool:
        slow = [pool.submit(httpx.get, f"{url}{busy}/slow", timeout=HANG_SECONDS) for _ in range(2 * THREADS)]
        for _ in range(THREADS):
            assert application.waiting.acquire(timeout=HANG_SECONDS)
        assert httpx.get(f"{url}{other}/health", timeout=HANG_SECONDS).status_code == 200
        assert not any(request.done() for request in slow)
        application.release.set()
        assert {request.result().status_code for request in slow} == {200}


def test_idle_connections_do_not_block_the_next_request(application: Blocking, port: int) -> None:
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(IDLE)]
    try:
        for path in ("/auth/v1/health", "/rest/v1/"):
            assert httpx.get(f"http://127.0.0.1:{port}{path}", timeout=HANG_SECONDS).status_code == 200
    finally:
        for connection in idle:
            connection.close()
