"""The total time limit of HTTP calls: no server holds a thread by sending a byte now and then."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import httpx
import pytest
from flask import Flask

from flask_signet import clients as supabase_clients
from flask_signet.gatekeeper.auth_http import AuthHttp
from flask_signet.gatekeeper.breaker import Breaker
from flask_signet.gatekeeper.deadline import limit_total_time
from flask_signet.gatekeeper.errors import AuthUnavailable
from tests.flask_signet.gatekeeper.faulty_auth import Fault, FaultyAuth, Handler, answers, drips
from tests.support.background import StoppedClock
from tests.support.patience import HANG_SECONDS

TOTAL = 0.3  # seconds, far below HANG_SECONDS: a call that is not limited drips until then


def drips_headers(release: threading.Event) -> Fault:
    """Return a fault that sends the header one byte at a time and never ends."""

    def fault(handler: Handler) -> None:
        try:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
            while not release.wait(0.05):
                handler.wfile.write(b"x")
        except OSError:
            pass
        handler.close_connection = True

    return fault


@pytest.fixture
def release() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture(params=[drips_headers, drips], ids=["header", "body"])
def dripping(request: pytest.FixtureRequest, auth: FaultyAuth, release: threading.Event) -> FaultyAuth:
    auth.faults["user"] = auth.faults["refresh"] = request.param(release)
    return auth


def test_a_dripping_response_ends_at_the_total_limit(dripping: FaultyAuth) -> None:
    with httpx.Client(timeout=HANG_SECONDS) as client:
        limit_total_time(client, TOTAL)
        with pytest.raises(httpx.ReadTimeout):
            client.get(f"{dripping.url}/auth/v1/user")


def test_a_dripping_auth_is_unavailable(dripping: FaultyAuth, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flask_signet.gatekeeper.auth_http.CONNECT_SECONDS", TOTAL)
    monkeypatch.setattr("flask_signet.gatekeeper.auth_http.READ_SECONDS", TOTAL)
    auth = AuthHttp(dripping.url, "sb_publishable_test", Breaker())
    with pytest.raises(AuthUnavailable, match="ReadTimeout"):
        auth.refresh("token")
    with pytest.raises(AuthUnavailable, match="ReadTimeout"):
        auth.get_user("token")


def test_a_dripping_data_api_ends_at_the_total_limit(
    dripping: FaultyAuth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supabase_clients, "TOTAL_SECONDS", TOTAL)
    app = Flask(__name__)
    supabase_clients.register(app, dripping.url, "sb_publishable_test")
    with app.app_context(), pytest.raises(httpx.ReadTimeout):
        supabase_clients.anonymous_client().table("notes").select("*").execute()


def test_each_call_on_a_kept_connection_has_its_own_limit(auth: FaultyAuth) -> None:
    connections = []

    def fault(handler: Handler) -> None:
        connections.append(handler.client_address)
        answers(200, {})(handler)

    auth.faults["user"] = fault
    clock = StoppedClock()
    with httpx.Client() as client:
        limit_total_time(client, TOTAL, clock)
        for _ in range(3):
            assert client.get(f"{auth.url}/auth/v1/user").status_code == 200
            clock.now += 100
    assert len(set(connections)) == 1


def test_every_transport_of_a_client_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    with httpx.Client() as client:
        limit_total_time(client, TOTAL)
        transports = [client._transport, *filter(None, client._mounts.values())]
        assert len(transports) > 1
        for transport in transports:
            assert type(transport._pool._network_backend).__name__ == "_DeadlineBackend"  # type: ignore[attr-defined]
