"""What nobody may learn: not from the work that an answer takes, not from the log."""

from __future__ import annotations

import logging

import bcrypt
import pytest

from tests.stack.auth.conftest import PASSWORD, Project, error, new_email


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
