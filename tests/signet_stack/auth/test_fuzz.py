"""Odd input at every route of Auth and of the management API, with a fixed seed: never a 5xx."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from signet_stack.auth import create_auth
from signet_stack.auth_settings import NAMES
from signet_stack.context import Context
from signet_stack.management import create_management
from tests.signet_stack.auth.conftest import PASSWORD, Project, TestClock, new_email, serve_project
from tests.signet_stack.auth.steps import created

ROUNDS = 12
FIELDS = (
    *("email", "phone", "password", "data", "type", "token", "token_hash", "nonce", "aud", "role", "id"),
    *(
        "refresh_token",
        "auth_code",
        "code_verifier",
        "code_challenge",
        "code_challenge_method",
        "create_user",
    ),
    *("redirect_to", "new_email", "user_metadata", "app_metadata", "ban_duration", "password_hash"),
    *("email_confirm", "current_password", "channel", "factor_type", "friendly_name", "code", "challenge_id"),
    *("algorithm", "status", "private_jwk", "should_soft_delete", "gotrue_meta_security"),
)
ODD: tuple[Any, ...] = (
    *("", " ", "\0", "%00", "x" * 5000, "ü€😀", "\ud800", "a@b.c", "A@B.C", "'; drop table auth.users; --"),
    *(None, True, False, 0, -1, 2**63, 1e308, -0.0, 10**400, [], {}, [[]], {"": None}, {"a": {"b": []}}),
    *("00000000-0000-0000-0000-000000000000", "1h", "-1h", "999999999999h", "none", "s256", "plain"),
    *(
        "signup",
        "recovery",
        "invite",
        "magiclink",
        "email_change",
        "email",
        "sms",
        "totp",
        "ES256",
        "standby",
    ),
    *("+15550100", "$2a$10$", "in_use", "revoked", "../../etc/passwd", "http://[::1", "javascript:alert(1)"),
)
RAW = (b"", b"null", b"[]", b"1", b'"x"', b"{", b"\xff\xfe", b"[" * 5000, b'{"a":' * 400 + b"1" + b"}" * 400)


def body(rng: random.Random) -> bytes:
    """Return a request body: mostly an object with odd values, sometimes no JSON at all."""
    if rng.random() < 0.15:
        return rng.choice(RAW)
    names = rng.sample(FIELDS, rng.randint(0, 5))
    fields = {name: rng.choice(ODD) for name in names}
    return json.dumps(fields).encode()


def path_of(rule: str, rng: random.Random, known: list[str]) -> str:
    """Return a rule's path with an odd or a known value for each of its arguments."""
    parts = []
    for part in rule.split("/"):
        if part.startswith("<"):
            value = rng.choice(known) if rng.random() < 0.5 else str(rng.choice(ODD))
            parts.append(quote(value, safe="", errors="replace"))
        else:
            parts.append(part)
    return "/".join(parts)


def routes(app: Any) -> list[tuple[str, str]]:
    return sorted(
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"})
        if "any(" not in rule.rule
    )


def sweep(send: Any, found: list[tuple[str, str]], rng: random.Random, known: list[str]) -> list[Any]:
    """Send odd requests to every route; return those that were answered by a 5xx other than 501."""
    failed = []
    for method, rule in found:
        for _ in range(ROUNDS):
            path = path_of(rule, rng, known)
            names = rng.sample(("grant_type", "type", "token", "page", "scope", "provider", "filter"), 2)
            query = "&".join(f"{name}={quote(str(rng.choice(ODD)), errors='replace')}" for name in names)
            content = body(rng)
            answer = send(method, f"{path}?{query}", content)
            if answer.status_code >= 500 and answer.status_code != 501:
                failed.append((method, path, query, content[:200], answer.status_code, answer.text[:200]))
    return failed


@pytest.mark.parametrize("who", ["nobody", "somebody", "administrator"])
def test_no_odd_request_to_auth_is_a_5xx(project: Project, who: str) -> None:
    rng = random.Random(f"auth {who}")
    project.set(smtp_max_frequency=0, mailer_autoconfirm=rng.random() < 0.5)
    user = created(project, password=PASSWORD, email_confirm=True)
    token = project.sign_in(user["email"])["access_token"]
    key = project.context.api_keys
    headers = {
        "nobody": {},
        "somebody": {"Authorization": f"Bearer {token}"},
        "administrator": {"apikey": key.secret},
    }[who]

    def send(method: str, path: str, content: bytes) -> httpx.Response:
        return project.call(method, path, headers=headers, content=content)

    found = routes(create_auth(project.context))
    assert len(found) > 30
    assert sweep(send, found, rng, [user["id"], user["identities"][0]["identity_id"]]) == []


def test_no_odd_request_to_the_management_api_is_a_5xx(make_context: Callable[..., Context]) -> None:
    """On a project of its own: accepted settings and keys would reach other tests."""
    clock = TestClock()
    with serve_project(make_context(clock), clock) as project:
        _sweep_management(project)


def _sweep_management(project: Project) -> None:
    rng = random.Random("management")
    headers = {"Authorization": f"Bearer {project.context.management_token}"}

    def send(method: str, path: str, content: bytes) -> httpx.Response:
        url = f"{project.origin}/v1{path.replace('/projects/' + path.split('/')[2], '/projects/local', 1)}"
        return project.http.request(method, url, headers=headers, content=content)

    assert sweep(send, routes(create_management(project.context)), rng, ["%00", new_email()]) == []
    for name in NAMES:
        for value in ODD:
            content = json.dumps({name: value}).encode()
            answer = send("PATCH", "/projects/local/config/auth", content)
            assert answer.status_code in (200, 400), (name, value, answer.text)
