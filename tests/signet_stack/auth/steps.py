"""What many tests of Auth do first: chains of refreshes, people who wait for a mail, tokens of any claims."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt

from tests.signet_stack.auth.conftest import PASSWORD, Project, new_email

SITE = "http://127.0.0.1:8000"
REUSE = "sb-auth-refresh-token-reuse"
VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "s256"}


def chain(project: Project, length: int) -> list[str]:
    """Return refresh tokens of one session, each the successor of the one before."""
    tokens = [project.sign_up()["refresh_token"]]
    for _ in range(length - 1):
        project.clock.advance(1)
        tokens.append(project.refresh(tokens[-1]).json()["refresh_token"])
    return tokens


def two_sessions(project: Project) -> tuple[str, list[str]]:
    """Return somebody's address and the access tokens of two sessions."""
    email = new_email()
    return email, [project.sign_up(email)["access_token"], project.sign_in(email)["access_token"]]


def waiting(project: Project, **extra: Any) -> tuple[str, dict[str, Any]]:
    """Sign somebody up who must confirm; return the address and the mail."""
    project.set(mailer_autoconfirm=False)
    email = new_email()
    answer = project.post("/signup", {"email": email, "password": PASSWORD, **extra})
    assert answer.status_code == 200, answer.text
    return email, project.mails(email)[0]


def exchange(project: Project, code: str, verifier: str) -> httpx.Response:
    """Exchange the code of a PKCE flow."""
    return project.post("/token?grant_type=pkce", {"auth_code": code, "code_verifier": verifier})


def ban(project: Project, email: str) -> None:
    """Ban somebody for an hour in the database, which ends no session."""
    until = project.clock() + timedelta(hours=1)
    project.rows("update auth.users set banned_until = %s where email = %s", until, email)


def wrong(code: str) -> str:
    """Return another code than the one of a mail."""
    return f"{(int(code) + 1) % 10**6:06d}"


def fragment(location: str) -> dict[str, str]:
    """Return the parameters after the # of a redirect."""
    return {name: values[0] for name, values in parse_qs(urlsplit(location).fragment, True).items()}


def query(location: str) -> dict[str, str]:
    """Return the parameters after the ? of a redirect."""
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query, True).items()}


def signed(project: Project, key: Any = None, **claims: Any) -> str:
    """Sign any claims with the project's key."""
    key = key or project.context.signing_keys.in_use()
    return jwt.encode(claims, key.private, key.algorithm, headers={"kid": key.kid})


def created(project: Project, **account: Any) -> dict[str, Any]:
    """Make an account as an administrator."""
    answer = project.admin("POST", "/admin/users", {"email": new_email(), **account})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())
