"""A key endpoint that fails, hangs or drips: the last good set serves for an hour without long waits."""

from __future__ import annotations

import contextlib
import json
import threading

import pytest

from flask_signet.gatekeeper.errors import KeysUnavailable
from flask_signet.gatekeeper.jwks import (
    FAILURE_COOL_DOWN,
    FLIGHT_LIMIT,
    LIFE,
    MAX_ABANDONED,
    MAX_WAITING,
    OUTAGE,
    STALE_LIMIT,
    KeySet,
)
from tests.flask_signet.gatekeeper.key_set.endpoint import (
    BOTH,
    DOCUMENT,
    EMPTY,
    MINT,
    Endpoint,
    wait_for_background,
    wait_until_warm,
)
from tests.support.background import StoppedClock
from tests.support.patience import HANG_SECONDS, wait_until


def test_without_threads_a_fetch_fails_and_is_tried_again(
    key_set: KeySet, clock: StoppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_more(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_more)
        with pytest.raises(KeysUnavailable):
            key_set.current()
    clock.now += FAILURE_COOL_DOWN
    assert key_set.current().keys


@pytest.mark.parametrize(
    "fault", [OSError("refused"), b"<html>", b"", EMPTY, b'{"keys": [{"kty": "oct", "k": "x"}]}'], ids=repr
)
def test_an_outage_keeps_the_last_good_set_for_an_hour(
    key_set: KeySet, endpoint: Endpoint, clock: StoppedClock, fault: bytes | Exception
) -> None:
    first = key_set.current()
    endpoint.answer = fault
    clock.now += STALE_LIMIT - 1
    assert key_set.current() is first
    clock.now += FAILURE_COOL_DOWN
    with pytest.raises(KeysUnavailable):
        key_set.current()
    endpoint.answer = DOCUMENT
    clock.now += FAILURE_COOL_DOWN
    assert key_set.current().keys


def test_during_an_outage_only_the_first_request_waits(
    key_set: KeySet, endpoint: Endpoint, clock: StoppedClock
) -> None:
    first = key_set.current()
    endpoint.answer = OSError("down")
    clock.now += LIFE
    assert key_set.current() is first
    endpoint.hold = threading.Event()  # from now on the endpoint hangs
    clock.now += FAILURE_COOL_DOWN
    assert key_set.current() is first
    endpoint.hold.set()
    wait_for_background()


def test_a_cold_process_without_keys_says_so_and_recovers(
    key_set: KeySet, endpoint: Endpoint, clock: StoppedClock
) -> None:
    endpoint.answer = OSError("down")
    for _ in range(10):
        with pytest.raises(KeysUnavailable):
            key_set.current()
    assert endpoint.calls == 1
    endpoint.answer = DOCUMENT
    clock.now += FAILURE_COOL_DOWN
    assert key_set.current().keys


def test_a_hanging_endpoint_holds_a_request_no_longer_than_the_limit(
    endpoint: Endpoint, clock: StoppedClock
) -> None:
    endpoint.hold = threading.Event()
    key_set = KeySet(endpoint, clock=clock, wait=0.05)
    with pytest.raises(KeysUnavailable):
        key_set.current()
    endpoint.hold.set()
    wait_for_background()
    assert key_set.current().keys


def test_a_failure_of_long_ago_is_no_excuse_for_an_old_set(
    key_set: KeySet, endpoint: Endpoint, clock: StoppedClock
) -> None:
    """One background fetch failed; then the endpoint recovered, without a key that was revoked."""
    key_set.current()
    endpoint.answer = OSError("down for a moment")
    clock.now += LIFE - 60
    key_set.current()
    wait_for_background()
    endpoint.answer = json.dumps({"keys": [MINT.jwk("EdDSA")]}).encode()
    clock.now += OUTAGE
    assert set(key_set.current().keys) == {"ed-key"}


def test_a_fetch_that_never_ends_stops_no_later_one(endpoint: Endpoint, clock: StoppedClock) -> None:
    """Bytes that drip for ever keep within every time limit of a read."""
    key_set = KeySet(endpoint, clock=clock, wait=0)
    endpoint.hold = dripping = threading.Event()
    with pytest.raises(KeysUnavailable):
        key_set.current()
    clock.now += FLIGHT_LIMIT
    with pytest.raises(KeysUnavailable):
        key_set.current()
    endpoint.hold, endpoint.answer = None, BOTH
    clock.now += FAILURE_COOL_DOWN
    with contextlib.suppress(KeysUnavailable):
        key_set.current()
    wait_until_warm(key_set)
    endpoint.answer = DOCUMENT
    dripping.set()
    wait_for_background()
    assert set(key_set.current().keys) == {"es-key", "ed-key"}, "what came too late is not used"


def test_fetches_that_never_end_are_few(endpoint: Endpoint, clock: StoppedClock) -> None:
    key_set = KeySet(endpoint, clock=clock, wait=0)
    endpoint.hold = threading.Event()
    for _ in range(20):
        with pytest.raises(KeysUnavailable):
            key_set.current()
        clock.now += FLIGHT_LIMIT
    assert endpoint.calls == MAX_ABANDONED
    endpoint.hold.set()
    wait_for_background()
    with contextlib.suppress(KeysUnavailable):
        key_set.current()
    wait_until_warm(key_set)


def test_a_cold_process_lets_two_requests_wait_once_a_fetch_has_failed(
    endpoint: Endpoint, clock: StoppedClock
) -> None:
    """All threads of a restarted worker must not wait for an endpoint that hangs: public pages need them."""
    key_set = KeySet(endpoint, clock=clock, wait=HANG_SECONDS)
    endpoint.answer = OSError("down")
    with pytest.raises(KeysUnavailable):
        key_set.current()
    clock.now += FAILURE_COOL_DOWN
    endpoint.hold, endpoint.answer = threading.Event(), DOCUMENT
    found: list[object] = []
    waiting = [
        threading.Thread(target=lambda: found.append(key_set.current().keys)) for _ in range(MAX_WAITING)
    ]
    for thread in waiting:
        thread.start()
    wait_until(lambda: key_set._waiting == MAX_WAITING, "two requests wait")
    with pytest.raises(KeysUnavailable):
        key_set.current()
    endpoint.hold.set()
    for thread in waiting:
        thread.join(HANG_SECONDS)
    assert len(found) == MAX_WAITING
    assert key_set.current().keys
