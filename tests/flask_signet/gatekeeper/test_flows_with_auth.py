"""PKCE flows against the local stack's Auth: challenge, mail, code, session."""

from __future__ import annotations

import secrets
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from flask import Flask, request
from flask.testing import FlaskClient

from flask_signet import (
    FlowRefused,
    Gatekeeper,
    GatekeeperSettings,
    begin_flow,
    current_identity,
    finish_flow,
    public,
    requires,
    start_session,
)
from signet_stack.handle import LocalStack

SITE = "http://localhost:8000"
SECRET = "a-secret-key-of-more-than-32-bytes-for-tests"


@pytest.fixture
def site(supabase_stack: LocalStack) -> Flask:
    """Return an app that asks for a recovery mail and finishes its flow."""
    app = Flask(__name__)
    app.config.update(TESTING=True, SECRET_KEY=SECRET)
    settings = GatekeeperSettings(
        supabase_url=supabase_stack.url,
        publishable_key=supabase_stack.publishable_key,
        site_url=SITE,
        secret_keys=(SECRET,),
        issuer=supabase_stack.running.issuer,
        login_endpoint="login",
    )
    Gatekeeper(app, settings)

    @app.get("/login")
    @public
    def login() -> str:
        return "log in"

    @app.post("/forgot")
    @public
    def forgot() -> str:
        challenge = begin_flow("recovery")
        httpx.post(
            f"{supabase_stack.url}/auth/v1/recover",
            params={"redirect_to": f"{SITE}/auth/confirm"},
            json={
                "email": request.form["email"],
                "code_challenge": challenge,
                "code_challenge_method": "s256",
            },
            headers={"apikey": supabase_stack.publishable_key},
            trust_env=False,
        ).raise_for_status()
        return "sent"

    @app.post("/auth/confirm")
    @public
    def confirm() -> tuple[dict[str, str], int]:
        try:
            tokens = finish_flow(request.form["code"])
        except FlowRefused as error:
            return {"refused": error.code}, 400
        start_session(tokens)
        return {"kind": tokens.flow.kind}, 200

    @app.get("/me")
    @requires(fresh=600)
    def me() -> dict[str, object]:
        identity = current_identity()
        assert identity is not None
        return {"email": identity.email, "aal": identity.aal, "amr": [one.method for one in identity.amr]}

    return app


def code_of(stack: LocalStack, email: str) -> str:
    """Follow the newest mail's token through Auth's own /verify; return the code of the redirect."""
    token_hash = parse_qs(urlsplit(stack.mailbox.latest(email).link).query)["token_hash"][0]
    answer = httpx.get(
        f"{stack.url}/auth/v1/verify",
        params={"token": token_hash, "type": "recovery", "redirect_to": f"{SITE}/auth/confirm"},
        headers={"apikey": stack.publishable_key},
        trust_env=False,
    )
    return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]


def ask(client: FlaskClient, email: str) -> None:
    assert client.post("/forgot", data={"email": email}).status_code == 200


def test_a_recovery_ends_in_a_session_in_the_browser_that_began_it(
    site: Flask, supabase_stack: LocalStack
) -> None:
    email = f"flow-{secrets.token_hex(6)}@example.com"
    supabase_stack.create_user(email, "correct horse battery staple")
    mine, other = site.test_client(), site.test_client()
    ask(other, f"nobody-{secrets.token_hex(6)}@example.com")
    ask(mine, email)
    code = code_of(supabase_stack, email)
    assert other.post("/auth/confirm", data={"code": code}).json == {"refused": "bad_code_verifier"}
    assert mine.post("/auth/confirm", data={"code": code}).json == {"kind": "recovery"}
    assert mine.get("/me").json == {"email": email, "aal": "aal1", "amr": ["recovery"]}


def test_a_code_works_once(site: Flask, supabase_stack: LocalStack) -> None:
    email = f"flow-{secrets.token_hex(6)}@example.com"
    supabase_stack.create_user(email, "correct horse battery staple")
    client = site.test_client()
    ask(client, email)
    code = code_of(supabase_stack, email)
    assert client.post("/auth/confirm", data={"code": code}).status_code == 200
    ask(client, f"nobody-{secrets.token_hex(6)}@example.com")
    refused = client.post("/auth/confirm", data={"code": code})
    assert refused.json == {"refused": "flow_state_not_found"}
