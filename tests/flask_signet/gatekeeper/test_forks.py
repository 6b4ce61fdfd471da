"""A worker forked after the first requests shares no lock and no connection with its parent."""

from __future__ import annotations

import json
import os
import select
import signal
import warnings
from typing import Any

import pytest

from flask_signet.gatekeeper.current import EXTENSION
from tests.flask_signet.gatekeeper.faulty_auth import FaultyAuth, Handler, reply
from tests.flask_signet.gatekeeper.gatekept import make_app, signed_in
from tests.support.patience import HANG_SECONDS


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_a_forked_worker_has_its_own_locks_and_connections(auth: FaultyAuth) -> None:
    app = make_app(auth)
    connections: list[Any] = []

    def refresh(handler: Handler) -> None:
        connections.append(handler.client_address)
        reply(handler, *auth.refresh(json.loads(handler.body)["refresh_token"]))  # type: ignore[attr-defined]

    auth.faults["refresh"] = refresh
    assert signed_in(app, auth.sign_in(age=4000)).get("/private").status_code == 200
    client = signed_in(app, auth.sign_in(age=4000))
    reading, writing = os.pipe()
    with app.extensions[EXTENSION].sessions._refresher._lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python tells of the danger that this test is about
        child = os.fork()
        if child == 0:
            try:
                os.write(writing, str(client.get("/private").status_code).encode())
            finally:
                os._exit(0)
    is_done, _, _ = select.select([reading], [], [], HANG_SECONDS)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert is_done, "the child waits for a lock that nobody releases"
    assert os.read(reading, 10) == b"200"
    assert len(set(connections)) == 2, "the child speaks on its parent's connection"
    os.close(reading)
    os.close(writing)
