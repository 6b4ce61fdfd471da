"""Faults of the key endpoint over real HTTP: no session is admitted unverified, and none is ended."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.flask_signet.gatekeeper.faulty_auth import Fault, FaultyAuth, answers, cuts_off, drips, hangs
from tests.flask_signet.gatekeeper.gatekept import Clock, make_app, session_cookie, signed_in
from tests.support.token_mint import claims

HTML = b"<html><body>Bad Gateway</body></html>"


@pytest.fixture
def release() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def key_faults(auth: FaultyAuth, release: threading.Event) -> dict[str, Fault]:
    jwk = auth.mint.jwk("ES256")
    return {
        "500": answers(500, b"{}"),
        "404": answers(404, b"{}"),
        "hang": hangs(release),
        "drip": drips(release),
        "half": cuts_off,
        "redirect": answers(302, b"", {"Location": f"{auth.url}/elsewhere"}),
        "5_mb": answers(200, b'{"keys": []}' + b" " * 5_000_000),
        "html": answers(200, HTML, {"Content-Type": "text/html"}),
        "empty_body": answers(200, b""),
        "list": answers(200, b"[]"),
        "no_keys_member": answers(200, b"{}"),
        "duplicate_kid": answers(200, {"keys": [jwk, auth.mint.jwk("RS256", kid=jwk["kid"])]}),
        "private_member": answers(200, {"keys": [{**jwk, "d": "x"}]}),
        "symmetric": answers(200, {"keys": [{"kty": "oct", "kid": jwk["kid"], "k": "eA", "alg": "HS256"}]}),
        # Never unpacked, however small: 60 kB can become 60 MB.
        "gzip": answers(200, gzip.compress(auth.jwks()), {"Content-Encoding": "gzip"}),
        "not_gzip": answers(200, b"\x1f\x8b" + b"x" * 100, {"Content-Encoding": "gzip"}),
    }


FAULTS = sorted(key_faults(FaultyAuth(), threading.Event()))


@pytest.mark.parametrize("name", FAULTS)
def test_a_cold_process_without_keys_answers_503_and_recovers(
    auth: FaultyAuth, release: threading.Event, name: str
) -> None:
    clock = Clock(time.time)
    app = make_app(auth, clock)
    client = signed_in(app, auth.sign_in())
    before = session_cookie(client)
    auth.faults["jwks"] = key_faults(auth, release)[name]
    response = client.get("/private")
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert session_cookie(client) == before
    assert client.get("/").json["email"] is None, "a public page works, and nobody is let in by guess"
    assert auth.calls["refresh"] == 0
    release.set()
    del auth.faults["jwks"]
    clock.offset += 6
    assert client.get("/private").status_code == 200


@pytest.mark.parametrize("name", [*FAULTS, "emptied"])
def test_a_warm_process_keeps_all_sessions_while_the_key_endpoint_is_down(
    auth: FaultyAuth, release: threading.Event, name: str
) -> None:
    clock = Clock(time.time)
    auth.token_life = 7200
    app = make_app(auth, clock)
    client = signed_in(app, auth.sign_in())
    assert client.get("/private").status_code == 200
    faults = {**key_faults(auth, release), "emptied": answers(200, {"keys": []})}
    auth.faults["jwks"] = faults[name]
    clock.offset += 3500
    assert client.get("/private").status_code == 200
    clock.offset += 200
    assert client.get("/private").status_code == 503, "after an hour a revocation could have been missed"


def test_a_revoked_key_is_refused_one_life_later_and_the_person_stays(auth: FaultyAuth) -> None:
    clock = Clock(time.time)
    client = signed_in(make_app(auth, clock), auth.sign_in())
    assert client.get("/private").status_code == 200
    auth.algorithm, auth.published = "EdDSA", ["EdDSA"]
    clock.offset += 599
    before = session_cookie(client)
    assert client.get("/private").status_code == 200
    clock.offset += 2
    assert client.get("/private").status_code == 200
    assert session_cookie(client) != before
    assert auth.calls["refresh"] == 1


def test_made_up_kids_reach_the_key_endpoint_once(auth: FaultyAuth) -> None:
    client = make_app(auth).test_client()
    for number in range(1000):
        token = auth.mint.token(header=auth.mint.header(kid=f"made-up-{number}"))
        assert client.get("/api", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert auth.calls["jwks"] == 2


def test_a_cookie_that_our_key_did_not_seal_causes_no_call_at_all(auth: FaultyAuth) -> None:
    client = make_app(auth).test_client()
    client.set_cookie("sb-80", "A" * 400)
    assert client.get("/private").status_code == 303
    assert session_cookie(client) is None
    assert set(auth.calls.values()) == {0}


def test_keys_of_another_url_are_fetched_without_our_api_key(auth: FaultyAuth) -> None:
    with FaultyAuth().running() as keys:
        seen: list[str | None] = []

        def serve(handler: Any) -> None:
            seen.append(handler.headers.get("apikey"))
            answers(200, auth.jwks())(handler)

        keys.faults["jwks"] = serve
        app = make_app(auth, jwks_url=f"{keys.url}/elsewhere/.well-known/jwks.json")
        assert signed_in(app, auth.sign_in()).get("/private").status_code == 200
    assert seen == [None]
    assert auth.calls["jwks"] == 0


def test_tokens_of_each_configured_issuer_are_accepted(auth: FaultyAuth) -> None:
    """A project with a custom domain issues tokens under both of its addresses."""
    domain = "https://auth.example.com/auth/v1"
    app = make_app(auth, other_issuers=(domain,))
    for issuer, status in ((auth.issuer, 200), (domain, 200), ("https://evil.example", 401)):
        payload = claims(iss=issuer, iat=int(time.time()), exp=int(time.time()) + 3600)
        token = auth.mint.token(payload=payload)
        response = app.test_client().get("/api", headers={"Authorization": f"Bearer {token}"})
        assert response.status_code == status
