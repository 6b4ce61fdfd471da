"""Exchanges of refresh tokens in one process: one flight per token, shared results, no revival."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable

import pytest

from flask_signet.gatekeeper.auth_http import Answer
from flask_signet.gatekeeper.breaker import WAIT_SECONDS, Breaker
from flask_signet.gatekeeper.errors import (
    AuthMisconfigured,
    AuthUnavailable,
    GatekeeperError,
    SessionEnded,
    SignatureInvalid,
)
from flask_signet.gatekeeper.refresh import (
    COOL_DOWN,
    KEEP_SECONDS,
    MAX_FLIGHTS,
    Refresher,
    _Flight,
)
from flask_signet.gatekeeper.tokens import AccessClaims
from tests.support.background import StoppedClock
from tests.support.patience import HANG_SECONDS
from tests.support.verified import CLAIMS


class Auth:
    """Answers exchanges; can be made to hang or fail."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.error: Exception | None = None
        self.session_id = CLAIMS.session_id
        self.entered = threading.Event()
        self.hold: threading.Event | None = None

    def ask(self, refresh_token: str, user_agent: str) -> Answer:
        self.calls.append(refresh_token)
        hold = self.hold
        self.entered.set()
        if hold is not None:
            assert hold.wait(HANG_SECONDS)
        if self.error is not None:
            raise self.error
        return Answer(200, {"access_token": "access", "refresh_token": f"{refresh_token}+1"})

    def verify(self, access_token: str) -> AccessClaims:
        return dataclasses.replace(CLAIMS, session_id=self.session_id)


@pytest.fixture
def auth() -> Auth:
    return Auth()


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def refresher(auth: Auth, clock: StoppedClock) -> Refresher:
    return Refresher(auth.ask, auth.verify, Breaker(max_waiting=1000), clock, clock)


def start(work: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    results: list[object] = []

    def run() -> None:
        try:
            results.append(work())
        except GatekeeperError as error:
            results.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, results


def test_a_crowd_with_one_token_asks_once_and_shares_the_answer(refresher: Refresher, auth: Auth) -> None:
    auth.hold = threading.Event()
    crowd = [start(lambda: refresher.refresh("old")) for _ in range(100)]
    assert auth.entered.wait(HANG_SECONDS)
    auth.hold.set()
    for thread, _ in crowd:
        thread.join(30)
    results = [result for _, results in crowd for result in results]
    assert len(results) == 100
    assert {id(result) for result in results} == {id(results[0])}
    assert auth.calls == ["old"]


def test_different_tokens_fly_at_the_same_time(refresher: Refresher, auth: Auth) -> None:
    assert refresher.refresh("a").tokens.refresh_token == "a+1"
    assert refresher.refresh("b").tokens.refresh_token == "b+1"


def test_late_requests_with_the_old_cookie_get_the_finished_exchange(
    refresher: Refresher, auth: Auth, clock: StoppedClock
) -> None:
    first = refresher.refresh("old")
    clock.now += KEEP_SECONDS - 0.1
    assert refresher.refresh("old") is first
    clock.now += 0.2
    assert refresher.refresh("old") is not first
    assert auth.calls == ["old", "old"]


def test_forgetting_a_session_drops_its_finished_exchanges(refresher: Refresher, auth: Auth) -> None:
    refresher.refresh("old")
    refresher.forget(CLAIMS.session_id)
    refresher.refresh("old")
    assert auth.calls == ["old", "old"]


def test_a_new_token_that_does_not_verify_is_no_result(refresher: Refresher, auth: Auth) -> None:
    auth.verify = raise_signature_invalid  # type: ignore[method-assign]
    broken = Refresher(auth.ask, auth.verify, Breaker(), StoppedClock(), StoppedClock())
    with pytest.raises(AuthUnavailable, match="signature_invalid"):
        broken.refresh("old")


def raise_signature_invalid(access_token: str) -> AccessClaims:
    raise SignatureInvalid


@pytest.mark.parametrize(
    "error", [SessionEnded("reused"), AuthUnavailable("x"), AuthMisconfigured("x")], ids=lambda e: e.code
)
def test_a_failure_reaches_everybody_who_waits_and_a_burst_asks_once(
    refresher: Refresher, auth: Auth, error: GatekeeperError
) -> None:
    auth.error = error
    for _ in range(5):
        with pytest.raises(type(error)):
            refresher.refresh("old")
    assert auth.calls == ["old"]


def test_after_a_second_an_unavailable_auth_is_asked_again(
    refresher: Refresher, auth: Auth, clock: StoppedClock
) -> None:
    auth.error = AuthUnavailable("down")
    with pytest.raises(AuthUnavailable):
        refresher.refresh("old")
    auth.error = None
    clock.now += 1.1
    assert refresher.refresh("old")


def test_an_early_exchange_that_fails_is_not_repeated_for_a_minute(
    refresher: Refresher, auth: Auth, clock: StoppedClock
) -> None:
    auth.error = AuthUnavailable("down")
    assert refresher.refresh_early("old") is None
    auth.error = None
    clock.now += COOL_DOWN - 1
    assert refresher.refresh_early("old") is None
    assert len(auth.calls) == 1
    clock.now += 2
    assert refresher.refresh_early("old") is not None


def test_an_early_exchange_never_waits_for_another(refresher: Refresher, auth: Auth) -> None:
    auth.hold = threading.Event()
    thread, _ = start(lambda: refresher.refresh_early("old"))
    assert auth.entered.wait(HANG_SECONDS)
    assert refresher.refresh_early("old") is None
    auth.hold.set()
    thread.join(30)


def test_an_exchange_that_never_ends_stops_no_later_one(
    refresher: Refresher, auth: Auth, clock: StoppedClock
) -> None:
    auth.hold = dripping = threading.Event()
    thread, _ = start(lambda: refresher.refresh("old"))
    assert auth.entered.wait(HANG_SECONDS)
    auth.hold = None
    clock.now += WAIT_SECONDS
    assert refresher.refresh("old").tokens.refresh_token == "old+1"
    dripping.set()
    thread.join(30)


def test_an_early_exchange_reports_that_the_session_is_over(refresher: Refresher, auth: Auth) -> None:
    auth.error = SessionEnded("reused")
    with pytest.raises(SessionEnded):
        refresher.refresh_early("old")


def test_an_unexpected_error_is_logged_and_ends_the_wait(
    refresher: Refresher, auth: Auth, caplog: pytest.LogCaptureFixture
) -> None:
    auth.error = RuntimeError("bug")
    with pytest.raises(AuthUnavailable, match="RuntimeError"):
        refresher.refresh("old")
    assert "RuntimeError: bug" in caplog.text
    auth.error = None
    assert refresher.refresh("old")


def test_what_is_kept_does_not_grow_for_ever(refresher: Refresher, clock: StoppedClock) -> None:
    for number in range(1000):
        clock.now += 1
        refresher.refresh(f"token-{number}")
    assert len(refresher._flights) <= COOL_DOWN + 1


def test_exchanges_of_forged_cookies_are_bounded(refresher: Refresher, auth: Auth) -> None:
    auth.hold = threading.Event()
    thread, _ = start(lambda: refresher.refresh("under way"))
    assert auth.entered.wait(HANG_SECONDS)
    under_way = set(refresher._flights)
    auth.hold.set()
    thread.join(30)
    for number in range(MAX_FLIGHTS):
        refresher._flights[b"%d" % number] = landed = _Flight()
        landed.done.set()
    refresher.refresh("one more")
    assert len(refresher._flights) == MAX_FLIGHTS
    assert not under_way & refresher._flights.keys(), "the oldest made room"
