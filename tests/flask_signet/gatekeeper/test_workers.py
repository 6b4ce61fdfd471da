"""Several worker processes: bursts and key rotation end no session and fail no request."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.flask_signet.gatekeeper.faulty_auth import FaultyAuth
from tests.flask_signet.gatekeeper.gatekept import make_app, put_cookie
from tests.support.patience import HANG_SECONDS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
WORKERS = 2


@pytest.fixture
def port(auth: FaultyAuth) -> Iterator[int]:
    """Serve the small app by gunicorn, two workers with eight threads each."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=256)
    port = int(listening.getsockname()[1])
    argv = [sys.executable, "-m", "gunicorn", "--workers", str(WORKERS), "--threads", "8"]
    argv += ["--bind", f"fd://{listening.fileno()}", "tests.flask_signet.gatekeeper.served:app"]
    server = subprocess.Popen(
        argv,
        cwd=ROOT,
        env={**os.environ, "SUPABASE_URL": auth.url},
        pass_fds=[listening.fileno()],
        stderr=subprocess.DEVNULL,
    )
    listening.close()
    get(port, "/")
    yield port
    server.terminate()
    server.wait(HANG_SECONDS)


def get(port: int, path: str, cookie: str = "") -> tuple[int, str]:
    """Return status and the new session cookie, if one was set."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=HANG_SECONDS)
    connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
    response = connection.getresponse()
    response.read()
    connection.close()
    lines = response.headers.get_all("Set-Cookie") or []
    ours = [line.partition(";")[0] for line in lines if line.startswith("sb-80=")]
    return response.status, ours[0] if ours else ""


def cookie_for(auth: FaultyAuth, pair: dict[str, Any]) -> str:
    """Return the Cookie header that holds these tokens."""
    app = make_app(auth)
    client = app.test_client()
    put_cookie(client, app, pair)
    cookie = client.get_cookie("sb-80")
    assert cookie is not None
    return f"sb-80={cookie.value}"


def test_a_burst_with_an_expired_session_ends_no_session(auth: FaultyAuth, port: int) -> None:
    auth.delay = 0.2  # long enough for the whole burst to arrive while the exchange is under way
    cookie = cookie_for(auth, auth.sign_in(age=4000))
    with ThreadPoolExecutor(100) as crowd:
        answers = list(crowd.map(lambda _: get(port, "/private", cookie), range(100)))
    assert Counter(status for status, _ in answers) == {200: 100}
    assert all(new for _, new in answers), "every answer carries the renewed session"
    assert 1 <= auth.calls["refresh"] <= WORKERS
    assert {get(port, "/private", new)[0] for _, new in answers} == {200}


def test_lost_answers_end_no_session(auth: FaultyAuth, port: int) -> None:
    """A fifth of all exchanges happens at Auth but its answer never arrives."""
    lock, count = threading.Lock(), [0]

    def sometimes_loses(handler: Any) -> None:
        import json

        from tests.flask_signet.gatekeeper.faulty_auth import reply

        status, body = auth.refresh(json.loads(handler.body)["refresh_token"])
        with lock:
            count[0] += 1
            is_lost = count[0] % 5 == 0
        if is_lost:
            handler.close_connection = True
        else:
            reply(handler, status, body)

    auth.faults["refresh"] = sometimes_loses
    for _ in range(40):
        cookie = cookie_for(auth, auth.sign_in(age=4000))
        deadline = time.monotonic() + HANG_SECONDS
        while (status := get(port, "/private", cookie)[0]) == 503 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert status == 200


def test_rotating_the_key_under_load_fails_no_request(auth: FaultyAuth, port: int) -> None:
    """Tokens of both keys pass, and renewals change from one key to the other."""
    auth.token_life = 2  # seconds, so that every visitor renews several times on the way
    auth.published = ["ES256", "EdDSA"]
    stop = threading.Event()
    failures: list[int] = []
    served = Counter[str]()

    def visit() -> None:
        cookie = cookie_for(auth, auth.sign_in())
        while not stop.is_set():
            status, new = get(port, "/private", cookie)
            served[auth.algorithm] += 1
            if status != 200:
                failures.append(status)
            cookie = new or cookie

    visitors = [threading.Thread(target=visit) for _ in range(4)]
    for visitor in visitors:
        visitor.start()
    for algorithm in ("ES256", "EdDSA", "ES256"):
        auth.algorithm = algorithm
        enough = auth.calls["refresh"] + 4
        deadline = time.monotonic() + HANG_SECONDS
        while auth.calls["refresh"] < enough and time.monotonic() < deadline:
            time.sleep(0.05)
    stop.set()
    for visitor in visitors:
        visitor.join(30)
    assert failures == []
    assert served["ES256"] >= 60
    assert served["EdDSA"] >= 60
