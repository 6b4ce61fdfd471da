"""The revocation check: rare, mostly in the background, and no failure of it ends a session."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from uuid import UUID

import pytest

from flask_signet.gatekeeper import revocation
from flask_signet.gatekeeper.auth_http import Answer
from flask_signet.gatekeeper.breaker import Breaker
from flask_signet.gatekeeper.identity import Identity
from flask_signet.gatekeeper.revocation import MAX_AT_ONCE, RevocationCheck
from tests.support.background import StoppedClock, wait_for_threads
from tests.support.patience import HANG_SECONDS
from tests.support.token_mint import NOW
from tests.support.verified import CLAIMS

INTERVAL = 60.0
ALIVE = Answer(200, {})
GONE = Answer(403, {"code": "session_not_found"})
IDENTITY = Identity.of(CLAIMS, "token")


class Auth:
    """Answers GET /user as a test says; counts the questions."""

    def __init__(self) -> None:
        self.answer: Answer | Exception = ALIVE
        self.calls = 0
        self.hold: threading.Event | None = None

    def __call__(self, access_token: str) -> Answer:
        self.calls += 1
        if self.hold is not None:
            assert self.hold.wait(HANG_SECONDS)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def auth() -> Auth:
    return Auth()


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock(NOW)


@pytest.fixture
def check(auth: Auth, clock: StoppedClock) -> RevocationCheck:
    return RevocationCheck(auth, INTERVAL, clock, Breaker(max_waiting=1000))


def session(number: int) -> Identity:
    return dataclasses.replace(IDENTITY, session_id=UUID(int=number))


def test_in_the_second_half_of_the_interval_the_check_runs_in_the_background(
    check: RevocationCheck, auth: Auth, clock: StoppedClock
) -> None:
    auth.answer, auth.hold = GONE, threading.Event()
    clock.now += INTERVAL / 2
    assert check.reason_to_end(IDENTITY) is None, "the request does not wait for the answer"
    assert check.reason_to_end(IDENTITY) is None
    auth.hold.set()
    wait_for_threads("auth-call")
    assert check.reason_to_end(IDENTITY) == "ended_elsewhere"
    assert auth.calls == 1


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("session_not_found", "ended_elsewhere"),
        ("user_not_found", "unknown_user"),
        ("user_banned", "banned"),
        ("bad_jwt", None),
    ],
)
def test_only_a_clear_word_ends_a_session(
    check: RevocationCheck, auth: Auth, clock: StoppedClock, code: str, reason: str | None
) -> None:
    auth.answer = Answer(403, {"code": code})
    clock.now += INTERVAL
    assert check.reason_to_end(IDENTITY) == reason


@pytest.mark.parametrize("error", [OSError("down"), RuntimeError("a fault of our own")], ids=repr)
def test_a_question_that_fails_is_repeated_one_interval_later(
    check: RevocationCheck, auth: Auth, clock: StoppedClock, error: Exception
) -> None:
    auth.answer = error
    clock.now += INTERVAL
    for _ in range(5):
        assert check.reason_to_end(IDENTITY) is None
    assert auth.calls == 1
    auth.answer = GONE
    clock.now += INTERVAL
    assert check.reason_to_end(IDENTITY) == "ended_elsewhere"


def test_without_threads_the_check_runs_in_the_request(
    check: RevocationCheck, auth: Auth, clock: StoppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_more(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    auth.answer = GONE
    clock.now += INTERVAL / 2
    monkeypatch.setattr(threading.Thread, "start", no_more)
    assert check.reason_to_end(IDENTITY) == "ended_elsewhere"


def test_a_crowd_of_sessions_starts_few_threads(
    check: RevocationCheck, auth: Auth, clock: StoppedClock
) -> None:
    auth.hold = threading.Event()
    clock.now += INTERVAL / 2
    for number in range(100):
        assert check.reason_to_end(session(number)) is None
    assert [thread.name for thread in threading.enumerate()].count("auth-call") == MAX_AT_ONCE
    auth.hold.set()
    wait_for_threads("auth-call")


def test_a_clock_that_was_set_back_makes_no_session_young(
    check: RevocationCheck, auth: Auth, clock: StoppedClock
) -> None:
    clock.now += INTERVAL
    check.reason_to_end(IDENTITY)
    auth.answer = GONE
    clock.now -= 3600
    assert check.reason_to_end(IDENTITY) == "ended_elsewhere"


def test_a_clock_that_was_set_back_causes_no_flood(
    check: RevocationCheck, auth: Auth, clock: StoppedClock
) -> None:
    clock.now -= 3600
    for _ in range(5):
        assert check.reason_to_end(IDENTITY) is None
    assert auth.calls == 1


def test_its_memory_is_bounded_and_keeps_the_latest(
    check: RevocationCheck, auth: Auth, clock: StoppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocation, "MAX_SESSIONS", 3)
    clock.now += INTERVAL
    ask: Callable[[int], str | None] = lambda number: check.reason_to_end(session(number))  # noqa: E731
    for number in (1, 2, 3):
        ask(number)
    clock.now += INTERVAL
    for number in (1, 4):
        ask(number)
    assert set(check._alive_at) == {session(number).session_id for number in (3, 1, 4)}
