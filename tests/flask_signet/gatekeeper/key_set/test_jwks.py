"""The key set of a process: fetched once however many wait, ahead of need, and never older than its bound."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import pytest

from flask_signet.gatekeeper.jwks import LIFE, UNKNOWN_KID_COOL_DOWN, InlineKeySet, KeySet, KeySetRefused
from tests.flask_signet.gatekeeper.key_set.endpoint import (
    BOTH,
    DOCUMENT,
    EMPTY,
    MINT,
    Endpoint,
    wait_for_background,
)
from tests.support.background import StoppedClock
from tests.support.patience import HANG_SECONDS


def in_parallel(work: Callable[[], object], times: int) -> list[object]:
    results: list[object] = []
    threads = [threading.Thread(target=lambda: results.append(work())) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def test_nothing_is_fetched_before_the_first_use(key_set: KeySet, endpoint: Endpoint) -> None:
    assert key_set.is_cold
    assert endpoint.calls == 0


def test_within_its_life_the_set_is_fetched_once(
    key_set: KeySet, endpoint: Endpoint, clock: StoppedClock
) -> None:
    first = key_set.current()
    clock.now += LIFE / 2
    assert key_set.current() is first
    assert endpoint.calls == 1


def test_many_waiting_threads_cause_one_fetch(key_set: KeySet, endpoint: Endpoint) -> None:
    endpoint.hold = threading.Event()
    release = threading.Thread(target=lambda: (endpoint.entered.wait(HANG_SECONDS), endpoint.hold.set()))
    release.start()
    results = in_parallel(key_set.current, 50)
    release.join(30)
    assert len({id(result) for result in results}) == 1
    assert len(results) == 50
    assert endpoint.calls == 1


def test_ahead_of_its_end_the_set_is_fetched_in_the_background(
    key_set: KeySet, endpoint: Endpoint, clock: StoppedClock
) -> None:
    first = key_set.current()
    endpoint.hold = threading.Event()
    clock.now += LIFE - 60
    assert key_set.current() is first
    assert key_set.current() is first
    endpoint.hold.set()
    wait_for_background()
    assert key_set.current() is not first
    assert endpoint.calls == 2


def test_an_unchanged_set_keeps_its_keys_as_they_are(
    key_set: KeySet, endpoint: Endpoint, clock: StoppedClock
) -> None:
    """So tokens that were verified with them need no second check."""
    first = key_set.current()
    clock.now += LIFE
    second = key_set.current()
    assert second.fetched_at > first.fetched_at
    assert second.keys is first.keys


def test_past_its_life_the_set_is_fetched_before_use(
    key_set: KeySet, endpoint: Endpoint, clock: StoppedClock
) -> None:
    """This bounds how long a revoked key is accepted."""
    key_set.current()
    endpoint.answer = BOTH
    clock.now += LIFE
    assert set(key_set.current().keys) == {"es-key", "ed-key"}


def test_the_age_of_a_set_counts_from_the_question(
    key_set: KeySet, endpoint: Endpoint, clock: StoppedClock
) -> None:
    """The answer may be as old as that, so the bound on a revoked key must not depend on its way here."""
    endpoint.hold = threading.Event()
    thread = threading.Thread(target=key_set.current)
    thread.start()
    assert endpoint.entered.wait(HANG_SECONDS)
    asked_at = clock.now
    clock.now += 3
    endpoint.hold.set()
    thread.join(30)
    assert key_set.current().fetched_at == asked_at


def test_a_thousand_unknown_kids_cause_one_more_fetch(
    key_set: KeySet, endpoint: Endpoint, clock: StoppedClock
) -> None:
    key_set.current()
    for number in range(1000):
        key_set.look_again_for(f"made-up-{number}")
    assert endpoint.calls == 2
    clock.now += UNKNOWN_KID_COOL_DOWN
    key_set.look_again_for("made-up")
    assert endpoint.calls == 3


def test_a_kid_that_auth_itself_used_is_looked_for_at_once(key_set: KeySet, endpoint: Endpoint) -> None:
    key_set.look_again_for("made-up")
    endpoint.answer = BOTH
    assert "ed-key" not in key_set.look_again_for("ed-key").keys
    assert "ed-key" in key_set.look_again_for("ed-key", from_auth=True).keys


def test_an_empty_set_counts_as_legacy_only_in_a_process_that_never_held_keys(
    endpoint: Endpoint, clock: StoppedClock
) -> None:
    endpoint.answer = EMPTY
    key_set = KeySet(endpoint, clock=clock)
    assert key_set.current().is_legacy
    endpoint.answer = DOCUMENT
    clock.now += LIFE
    assert not key_set.current().is_legacy
    endpoint.answer = EMPTY
    clock.now += LIFE
    assert not key_set.current().is_legacy


def test_a_key_that_left_the_set_is_gone_after_one_life(
    key_set: KeySet, endpoint: Endpoint, clock: StoppedClock
) -> None:
    endpoint.answer = BOTH
    assert "es-key" in key_set.current().keys
    endpoint.answer = json.dumps({"keys": [MINT.jwk("EdDSA")]}).encode()
    clock.now += LIFE
    assert "es-key" not in key_set.current().keys


def test_an_inline_set_is_never_fetched() -> None:
    inline = InlineKeySet(DOCUMENT)
    assert not inline.is_cold
    assert inline.look_again_for("other") is inline.current()


def test_an_inline_set_without_keys_is_refused() -> None:
    with pytest.raises(KeySetRefused):
        InlineKeySet(EMPTY)
