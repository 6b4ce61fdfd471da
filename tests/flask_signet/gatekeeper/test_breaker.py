"""The circuit breaker, with a moved clock: who waits for Auth, who is refused, and when it recovers."""

from __future__ import annotations

import threading

import pytest

from flask_signet.gatekeeper.breaker import (
    FAILURES_TO_OPEN,
    MAX_CALLS,
    PROBE_PAUSE,
    PROBE_SECONDS,
    SLOW_SECONDS,
    Breaker,
    CallBudget,
)
from flask_signet.gatekeeper.errors import AuthUnavailable
from tests.support.background import StoppedClock
from tests.support.patience import HANG_SECONDS, wait_until


class Call:
    """A call to Auth that hangs until released."""

    def __init__(self, breaker: Breaker) -> None:
        self._breaker = breaker
        self.entered = threading.Event()
        self.release = threading.Event()
        self.done = threading.Event()

    def __call__(self) -> None:
        with self._breaker.observe():
            self.entered.set()
            assert self.release.wait(HANG_SECONDS)


class Request:
    """A request that waits for a call in a thread of its own."""

    def __init__(self, breaker: Breaker, call: Call) -> None:
        self.result: bool | AuthUnavailable | None = None
        self._breaker, self._call = breaker, call
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.result = self._breaker.run(self._call, self._call.done, HANG_SECONDS)
        except AuthUnavailable as error:
            self.result = error

    def join(self) -> None:
        self._thread.join(HANG_SECONDS)
        assert not self._thread.is_alive()


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock(0.0)


@pytest.fixture
def breaker(clock: StoppedClock) -> Breaker:
    return Breaker(max_waiting=2, monotonic=clock, uniform=lambda low, high: high)


def opened(breaker: Breaker) -> Breaker:
    for _ in range(FAILURES_TO_OPEN):
        breaker.failed("ConnectError", since=breaker.now())
    return breaker


def test_a_crowd_waits_for_an_auth_that_answers(breaker: Breaker) -> None:
    calls = [Call(breaker) for _ in range(8)]
    requests = [Request(breaker, call) for call in calls]
    for call in calls:
        assert call.entered.wait(HANG_SECONDS)
        call.release.set()
    for request in requests:
        request.join()
    assert [request.result for request in requests] == [True] * 8


def test_while_auth_hangs_only_some_requests_wait_and_later_ones_are_refused(
    breaker: Breaker, clock: StoppedClock
) -> None:
    calls = [Call(breaker) for _ in range(2)]
    waiting = [Request(breaker, call) for call in calls]
    for call in calls:
        assert call.entered.wait(HANG_SECONDS)
    wait_until(lambda: breaker._is_full, "two requests wait")
    clock.now += SLOW_SECONDS + 0.1
    for _ in range(20):
        with pytest.raises(AuthUnavailable):
            breaker.run(Call(breaker), threading.Event())
    for call in calls:
        call.release.set()
    for request in waiting:
        request.join()
    assert [request.result for request in waiting] == [True, True]


def test_a_request_beyond_the_cap_stops_waiting_when_auth_is_slow(
    breaker: Breaker, clock: StoppedClock
) -> None:
    held = [Call(breaker) for _ in range(2)]
    waiting = [Request(breaker, call) for call in held]
    for call in held:
        assert call.entered.wait(HANG_SECONDS)
    wait_until(lambda: breaker._is_full, "two requests wait")
    clock.now += SLOW_SECONDS - 0.001
    third = Call(breaker)
    late = Request(breaker, third)
    assert third.entered.wait(HANG_SECONDS)
    clock.now += 0.01
    late.join()
    assert late.result is False, "its call goes on, and the next request finds the result"
    for call in (*held, third):
        call.release.set()
    for request in waiting:
        request.join()


def test_one_stuck_call_is_no_outage_while_others_succeed(breaker: Breaker, clock: StoppedClock) -> None:
    stuck = Call(breaker)
    first = Request(breaker, stuck)
    assert stuck.entered.wait(HANG_SECONDS)
    clock.now += SLOW_SECONDS + 1
    breaker.succeeded()
    assert breaker.run(lambda: None, threading.Event())
    breaker.failed("ReadTimeout", since=0.0)
    assert not breaker.is_open, "a call that started later has succeeded"
    stuck.release.set()
    first.join()


def test_failures_in_a_row_open_it_and_a_success_in_between_does_not_count(breaker: Breaker) -> None:
    for _ in range(FAILURES_TO_OPEN - 1):
        breaker.failed("status 503", since=breaker.now())
    breaker.succeeded()
    for _ in range(FAILURES_TO_OPEN - 1):
        breaker.failed("status 503", since=breaker.now())
    assert not breaker.is_open
    breaker.failed("status 503", since=breaker.now())
    assert breaker.is_open


def test_a_timeout_opens_it_at_once(breaker: Breaker, clock: StoppedClock) -> None:
    clock.now += 7
    breaker.failed("ReadTimeout", since=breaker.now() - 7)
    assert breaker.is_open


def test_while_open_one_probe_runs_in_the_background_and_everything_else_is_refused(
    breaker: Breaker, clock: StoppedClock
) -> None:
    opened(breaker)
    with pytest.raises(AuthUnavailable):
        breaker.run(Call(breaker), threading.Event())
    clock.now += PROBE_PAUSE[1]
    probe = Call(breaker)
    assert breaker.run(probe, probe.done) is False, "the request does not wait for the probe"
    assert probe.entered.wait(HANG_SECONDS)
    with pytest.raises(AuthUnavailable):
        breaker.run(Call(breaker), threading.Event())
    breaker.succeeded()
    probe.release.set()
    assert probe.done.wait(HANG_SECONDS)
    assert breaker.run(lambda: None, threading.Event())


def test_a_failed_probe_is_followed_by_a_pause_and_another(breaker: Breaker, clock: StoppedClock) -> None:
    opened(breaker)
    for _ in range(5):
        clock.now += PROBE_PAUSE[1]
        done = threading.Event()
        breaker.run(lambda: breaker.failed("ConnectError", since=breaker.now()), done)
        assert done.wait(HANG_SECONDS)
        wait_until(lambda: not breaker._is_probing, "the probe ends")
        with pytest.raises(AuthUnavailable):
            breaker.run(Call(breaker), threading.Event())


def test_recovery_takes_less_than_two_seconds_even_if_a_probe_has_just_been_lost() -> None:
    assert PROBE_PAUSE[1] + PROBE_SECONDS < 2


def test_there_are_fewer_than_ten_probes_a_second() -> None:
    assert 1 / PROBE_PAUSE[0] < 10


def test_a_429_pauses_all_calls_until_its_retry_after(breaker: Breaker, clock: StoppedClock) -> None:
    breaker.limited(20)
    clock.now += 19
    with pytest.raises(AuthUnavailable) as refused:
        breaker.run(Call(breaker), threading.Event())
    assert refused.value.retry_after == 3
    clock.now += 4
    assert breaker.run(lambda: None, threading.Event())


def test_a_429_without_end_pauses_for_a_minute_at_most(breaker: Breaker, clock: StoppedClock) -> None:
    breaker.limited(86_400)
    clock.now += 67
    assert breaker.run(lambda: None, threading.Event())


def test_calls_in_progress_are_bounded(clock: StoppedClock) -> None:
    breaker = Breaker(max_waiting=1000, monotonic=clock)
    calls = [Call(breaker) for _ in range(MAX_CALLS)]
    requests = [Request(breaker, call) for call in calls]
    for call in calls:
        assert call.entered.wait(HANG_SECONDS)
    with pytest.raises(AuthUnavailable):
        breaker.run(Call(breaker), threading.Event())
    for call in calls:
        call.release.set()
    for request in requests:
        request.join()


def test_ask_returns_the_result_or_raises_the_error_of_the_call(breaker: Breaker) -> None:
    assert breaker.ask(lambda: 1) == 1

    def fails() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        breaker.ask(fails)


@pytest.mark.parametrize("uptime", [0.0, 0.1, -1000.0, 1e9])
def test_it_starts_closed_whatever_the_uptime(uptime: float) -> None:
    breaker = Breaker(monotonic=StoppedClock(uptime))
    assert not breaker.is_open
    assert breaker.run(lambda: None, threading.Event())


def test_a_budget_is_spent_at_once_and_refilled_slowly(clock: StoppedClock) -> None:
    budget = CallBudget(burst=3, per_second=0.5, monotonic=clock)
    assert [budget.take() for _ in range(4)] == [True, True, True, False]
    clock.now += 2
    assert [budget.take() for _ in range(2)] == [True, False]
    clock.now += 1000
    assert [budget.take() for _ in range(4)] == [True, True, True, False]


def test_a_guarded_call_is_refused_while_open_and_one_of_them_probes(
    breaker: Breaker, clock: StoppedClock
) -> None:
    with breaker.guard():
        pass
    opened(breaker)
    with pytest.raises(AuthUnavailable), breaker.guard():
        pass
    clock.now += PROBE_PAUSE[1]
    with breaker.guard(), pytest.raises(AuthUnavailable), breaker.guard():
        pass
    with breaker.guard():
        breaker.succeeded()
    assert not breaker.is_open


def test_a_pause_after_429_concerns_no_guarded_call(breaker: Breaker) -> None:
    """Sign-ins have limits of their own; a limit of refreshes must not keep people from signing in."""
    breaker.limited(20)
    with breaker.guard():
        pass
