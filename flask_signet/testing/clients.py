"""Test clients with a real session: Auth issues the tokens, the gatekeeper writes the cookies."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlsplit

import httpx
from flask import Flask
from flask.testing import FlaskClient

from flask_signet.gatekeeper import SessionTokens, start_session
from flask_signet.gatekeeper.current import current_gatekeeper
from signet_stack.handle import LocalStack

PASSWORD = "correct horse battery staple"  # noqa: S105 - of users of a stack that is deleted
SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class User:
    """A user of the stack who can sign in."""

    id: str
    email: str
    password: str = field(default=PASSWORD, repr=False)


def new_user(stack: LocalStack, email: str | None = None, **more: Any) -> User:
    """Create a confirmed user; without an address, one that no other test uses."""
    address = email or f"user-{secrets.token_hex(6)}@example.com"
    return User(stack.create_user(address, PASSWORD, **more)["id"], address)


def tokens_of(stack: LocalStack, user: User) -> SessionTokens:
    """Sign a user in with the password and return the new session's tokens."""
    answer = httpx.post(
        f"{stack.url}/auth/v1/token?grant_type=password",
        headers={"apikey": stack.publishable_key},
        json={"email": user.email, "password": user.password},
        timeout=SECONDS,
        trust_env=False,
    ).raise_for_status()
    session = answer.json()
    return SessionTokens(session["access_token"], session["refresh_token"], session["user"])


def client_for(app: Flask, tokens: SessionTokens) -> FlaskClient:
    """Return a test client that holds the session cookies of these tokens.

    They are set for the host of SITE_URL and for localhost, which Flask's test client uses by default.
    """
    client = app.test_client()
    with app.app_context():
        site_url = current_gatekeeper().settings.site_url
    with app.test_request_context("/", base_url=site_url):
        app.preprocess_request()
        start_session(tokens)
        response = app.process_response(app.response_class(""))
    for header in response.headers.getlist("Set-Cookie"):
        for name, cookie in SimpleCookie(header).items():
            for domain in {"localhost", urlsplit(site_url).hostname or "localhost"}:
                client.set_cookie(name, cookie.coded_value, domain=domain, path=cookie["path"] or "/")
    return client
