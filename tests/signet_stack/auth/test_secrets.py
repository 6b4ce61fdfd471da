"""What nobody may learn: not from the work that an answer takes, not from the log."""

from __future__ import annotations

import logging
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import bcrypt
import pytest
from werkzeug.test import Client

from signet_stack.auth import create_auth
from signet_stack.gateway import Gateway
from tests.signet_stack.auth.conftest import PASSWORD, Project, error, new_email


def test_an_unknown_address_is_compared_with_a_hash_of_the_same_cost(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[bytes] = []
    real = bcrypt.checkpw

    def spy(password: bytes, hashed: bytes) -> bool:
        compared.append(hashed)
        return real(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", spy)
    email = new_email()
    project.sign_up(email)
    for address in (email, new_email()):
        project.post("/token?grant_type=password", {"email": address, "password": "wrong"})
    known, unknown = compared
    assert known[:7] == unknown[:7]


COST = 7  # of bcrypt: dear enough to outweigh everything else that a request does
SAMPLES = 20


def test_time_does_not_tell_whether_an_address_has_an_account(project: Project) -> None:
    """Three people take turns: a wrong password, an unknown address, an account without a password.

    What counts is the processor time of this thread, so other work on the machine does not. The test fails
    only when medians are far apart and chance cannot explain that.
    """
    known, without, unknown = (new_email() for _ in range(3))
    sign_in = in_this_thread(project, known)
    project.post("/otp", {"email": without})
    spent: dict[str, list[float]] = {known: [], without: [], unknown: []}
    for _ in range(SAMPLES):
        for address, times in spent.items():
            before = time.thread_time()
            assert sign_in(address) == 400
            times.append(time.thread_time() - before)
    for address in (without, unknown):
        ratio = statistics.median(spent[address]) / statistics.median(spent[known])
        is_far = not 0.8 < ratio < 1.25
        assert not (is_far and chance(spent[address], spent[known]) < 0.001), f"{ratio:.2f}"


def in_this_thread(project: Project, known: str) -> Callable[[str], int]:
    """Make an account, and return a function that tries a wrong password and tells the status."""
    context = replace(project.context, password_cost=COST)
    client = Client(Gateway(context, {"/auth/v1": create_auth(context)}))
    headers = {"apikey": context.api_keys.publishable, "Host": "localhost"}

    def post(path: str, email: str, password: str) -> int:
        body = {"email": email, "password": password}
        return int(client.post(f"/auth/v1{path}", json=body, headers=headers).status_code)

    assert post("/signup", known, PASSWORD) == 200
    return lambda email: post("/token?grant_type=password", email, "wrong")


def chance(first: list[float], second: list[float], shuffles: int = 2000) -> float:
    """Return how often a random division of the samples sets their medians as far apart."""
    seen, both, dice = _distance(first, second), [*first, *second], random.Random(0)
    extreme = 0
    for _ in range(shuffles):
        dice.shuffle(both)
        extreme += _distance(both[: len(first)], both[len(first) :]) >= seen
    return (extreme + 1) / (shuffles + 1)


def _distance(first: list[float], second: list[float]) -> float:
    return abs(statistics.median(first) - statistics.median(second))


def test_nothing_secret_is_logged(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    email = new_email()
    session = project.sign_up(email)
    project.refresh(session["refresh_token"])
    project.post("/recover", {"email": email})
    mail = project.mails(email)[0]
    project.post("/verify", {"type": "recovery", "token_hash": mail["token_hash"]})
    project.get("/user", session["access_token"] + "x")
    # A failure in the middle of everything is logged with its traceback, and must show nothing either.
    project.rows("alter table auth.mfa_amr_claims rename to hidden")
    try:
        broken = project.post("/token?grant_type=password", {"email": email, "password": PASSWORD})
    finally:
        project.rows("alter table auth.hidden rename to mfa_amr_claims")
    assert error(broken) == (500, "unexpected_failure")
    assert broken.json()["error_id"] in caplog.text
    secrets = (
        PASSWORD,
        session["access_token"],
        session["refresh_token"],
        mail["token_hash"],
        mail["code"],
        project.context.api_keys.secret,
        project.context.management_token,
    )
    assert not [secret for secret in secrets if secret in caplog.text]
