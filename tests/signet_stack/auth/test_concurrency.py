"""Operations beside each other: one connection for each request, one order of locks for all of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import combinations_with_replacement
from typing import Any

import httpx
import pytest

from signet_stack.context import Context
from tests.signet_stack.auth.conftest import PASSWORD, Project, TestClock, new_email, serve_project
from tests.signet_stack.auth.steps import PKCE, VERIFIER, exchange, waiting

DEADLOCKS = "select deadlocks from pg_stat_database where datname = current_database()"


class Account:
    """One account with a session for each operation, so that no operation needs another's tokens."""

    def __init__(self, project: Project) -> None:
        self.email = new_email()
        first = project.sign_up(self.email)
        self.id = first["user"]["id"]
        self.sessions = [first, *(project.sign_in(self.email) for _ in range(3))]
        self.link = project.admin(
            "POST", "/admin/generate_link", {"type": "recovery", "email": self.email}
        ).json()
        project.post("/otp", {"email": self.email, **PKCE})


Run = Callable[[Project, Account, int], httpx.Response]


def admin(body: dict[str, Any]) -> Run:
    return lambda project, account, _: project.admin("PUT", f"/admin/users/{account.id}", body)


def logout(scope: str) -> Run:
    return lambda project, account, turn: project.post(
        f"/logout?scope={scope}", None, account.sessions[turn]["access_token"]
    )


OPERATIONS: dict[str, Run] = {
    "refresh": lambda p, a, turn: p.refresh(a.sessions[turn]["refresh_token"]),
    "sign in": lambda p, a, _: p.post("/token?grant_type=password", {"email": a.email, "password": PASSWORD}),
    "change password": lambda p, a, turn: p.put(
        "/user", {"password": new_email()}, a.sessions[turn]["access_token"]
    ),
    "change metadata": lambda p, a, turn: p.put(
        "/user", {"data": {"turn": turn}}, a.sessions[turn]["access_token"]
    ),
    "admin: password": admin({"password": PASSWORD}),
    "admin: ban": admin({"ban_duration": "1h"}),
    "admin: address": lambda p, a, _: p.admin("PUT", f"/admin/users/{a.id}", {"email": new_email()}),
    "admin: soft deletion": lambda p, a, _: p.admin(
        "DELETE", f"/admin/users/{a.id}", {"should_soft_delete": True}
    ),
    "admin: deletion": lambda p, a, _: p.admin("DELETE", f"/admin/users/{a.id}"),
    "sign out everywhere": logout("global"),
    "sign out elsewhere": logout("others"),
    "redeem a link": lambda p, a, _: p.post(
        "/verify", {"type": "recovery", "token_hash": a.link["hashed_token"]}
    ),
    "guess a code": lambda p, a, _: p.post("/verify", {"type": "email", "email": a.email, "token": "000000"}),
    "ask for a mail": lambda p, a, _: p.post("/recover", {"email": a.email}),
}
PAIRS = list(combinations_with_replacement(OPERATIONS, 2))


@pytest.fixture(scope="module")
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def run_pair(project: Project, threads: ThreadPoolExecutor, pair: tuple[str, str]) -> list[int]:
    """Run each operation of a pair twice, all four at once; return the statuses."""
    account = Account(project)
    barrier = threading.Barrier(4)

    def run(turn: int) -> int:
        barrier.wait()
        return OPERATIONS[pair[turn % 2]](project, account, turn).status_code

    return list(threads.map(run, range(4)))


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_pair_of_operations_takes_its_locks_in_one_order(
    v1: Project, threads: ThreadPoolExecutor, name: str
) -> None:
    """Refresh tokens of version 1 lock the most rows: token, session and user."""
    v1.set(smtp_max_frequency=0, sessions_single_per_user=False)
    before = v1.rows(DEADLOCKS)
    statuses = {pair: run_pair(v1, threads, pair) for pair in PAIRS if pair[0] == name}
    v1.rows("select pg_stat_force_next_flush()")
    assert {pair: found for pair, found in statuses.items() if max(found) >= 500} == {}
    assert v1.rows(DEADLOCKS) == before


def test_no_operation_takes_a_second_connection(
    make_context: Callable[..., Context], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With every thread holding one connection and waiting for a second, no request could finish."""
    held, taken, nested = threading.local(), [0], []
    clock = TestClock()
    context = make_context(clock)
    pool = context.database.auth
    connect = pool.connection

    @contextmanager
    def counted(*args: Any, **kwargs: Any) -> Iterator[Any]:
        if getattr(held, "count", 0):
            nested.append(threading.current_thread().name)
        held.count = getattr(held, "count", 0) + 1
        taken[0] += 1
        try:
            with connect(*args, **kwargs) as connection:
                yield connection
        finally:
            held.count -= 1

    monkeypatch.setattr(pool, "connection", counted)
    with serve_project(context, clock) as project:
        project.set(smtp_max_frequency=0)
        for operation in OPERATIONS.values():
            operation(project, Account(project), 0)
        _, mail = waiting(project, **PKCE)
        answer = project.get(f"/verify?token={mail['token_hash']}&type=signup")
        exchange(project, str(answer.headers.get("location", "")).partition("code=")[2], VERIFIER)
        bearer = {"Authorization": f"Bearer {context.management_token}"}
        keys = f"{project.origin}/v1/projects/local/config/auth/signing-keys"
        kid = httpx.post(keys, json={"algorithm": "ES256"}, headers=bearer).json()["id"]
        httpx.patch(f"{keys}/{kid}", json={"status": "in_use"}, headers=bearer)
    assert taken[0] > 100
    assert nested == []


def test_logins_at_once_after_a_start_wait_for_no_key(make_context: Callable[..., Context]) -> None:
    """The keys and settings of a fresh process are in memory before its first request."""
    clock = TestClock()
    context = make_context(clock)
    with serve_project(context, clock) as own:
        email = new_email()
        own.sign_up(email)
    clock.advance(1)
    restarted = make_context(clock)
    with serve_project(restarted, clock) as own, ThreadPoolExecutor(16) as threads:
        body = {"email": email, "password": PASSWORD}
        logins = threads.map(lambda _: own.post("/token?grant_type=password", body).status_code, range(16))
        assert set(logins) == {200}


def test_parallel_invitations_of_one_address_make_one_account(project: Project) -> None:
    project.set(smtp_max_frequency=0)
    email = new_email()
    with ThreadPoolExecutor(6) as threads:
        invite = {"email": email, "data": {}}
        answers = list(threads.map(lambda _: project.admin("POST", "/invite", invite), range(6)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_accounts_that_take_each_others_address_are_refused(project: Project) -> None:
    project.set(smtp_max_frequency=0)
    for _ in range(3):
        a, b = Account(project), Account(project)
        with ThreadPoolExecutor(2) as threads:
            pairs = [(a.id, b.email), (b.id, a.email)]
            move = lambda pair: project.admin("PUT", f"/admin/users/{pair[0]}", {"email": pair[1]})  # noqa: E731
            answers = list(threads.map(move, pairs))
        assert {answer.status_code for answer in answers} == {422}
