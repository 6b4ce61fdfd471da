"""Bearer tokens of API clients: on the routes that are marked for them, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flask_signet.gatekeeper.faulty_auth import FaultyAuth, answers
from tests.flask_signet.gatekeeper.gatekept import make_app, signed_in


@pytest.mark.parametrize(
    ("header", "challenge"),
    [
        (None, "Bearer"),
        ("Basic abc", "Bearer"),
        ("Bearer", "Bearer"),
        ("Bearer junk", 'Bearer error="invalid_token", error_description="token_malformed"'),
    ],
)
def test_an_api_route_requires_a_valid_bearer_token(
    auth: FaultyAuth, header: str | None, challenge: str
) -> None:
    app = make_app(auth)
    client = signed_in(app, auth.sign_in())
    response = client.get("/api", headers={"Authorization": header} if header else {})
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == challenge
    assert "Set-Cookie" not in response.headers


def test_a_bearer_token_opens_api_routes_and_nothing_else(auth: FaultyAuth) -> None:
    client = make_app(auth).test_client()
    headers = {"Authorization": f"bearer {auth.sign_in()['access_token']}"}
    assert client.get("/api", headers=headers).status_code == 200
    assert client.get("/private", headers=headers).status_code == 303


def test_an_expired_bearer_token_is_never_refreshed(auth: FaultyAuth) -> None:
    client = make_app(auth).test_client()
    headers = {"Authorization": f"Bearer {auth.sign_in(age=4000)['access_token']}"}
    response = client.get("/api", headers=headers)
    assert response.status_code == 401
    assert "token_expired" in response.headers["WWW-Authenticate"]
    assert auth.calls["refresh"] == 0


def test_a_bearer_token_of_a_session_that_ended_here_is_refused(auth: FaultyAuth) -> None:
    client = signed_in(make_app(auth), pair := auth.sign_in())
    client.post("/logout")
    response = client.get("/api", headers={"Authorization": f"Bearer {pair['access_token']}"})
    assert "session_over" in response.headers["WWW-Authenticate"]


def bearer(pair: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {pair['access_token']}"}


def refused_tokens(auth: FaultyAuth) -> dict[str, dict[str, str]]:
    """Return Authorization headers by the code of their refusal."""
    unknown = auth.mint.token(header=auth.mint.header(kid="made-up"))
    return {
        "no_token": {},
        "token_malformed": {"Authorization": "Bearer junk"},
        "token_expired": bearer(auth.sign_in(age=4000)),
        "token_not_yet_valid": bearer(auth.sign_in(age=-300)),
        "key_unknown": {"Authorization": f"Bearer {unknown}"},
        "signature_invalid": {"Authorization": f"Bearer {FaultyAuth().sign_in()['access_token']}"},
        "claim_refused": bearer(auth.sign_in(role="anon")),
    }


REFUSALS = [
    "no_token",
    "token_malformed",
    "token_expired",
    "token_not_yet_valid",
    "key_unknown",
    "signature_invalid",
    "claim_refused",
]


@pytest.mark.parametrize(
    ("path", "code"),
    [("/api", code) for code in REFUSALS]
    + [(path, code) for path in ("/api/optional", "/api/shared") for code in REFUSALS[1:]],
)
def test_a_refusal_is_json_with_code_message_and_hint(auth: FaultyAuth, code: str, path: str) -> None:
    response = make_app(auth).test_client().get(path, headers=refused_tokens(auth)[code])
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert response.json["code"] == code
    assert response.json["message"]
    assert response.json["hint"].endswith(".")
    assert response.headers["Cache-Control"] == "private, no-store"


def test_each_kind_of_refusal_has_its_own_next_step(auth: FaultyAuth) -> None:
    client = make_app(auth).test_client()
    headers = refused_tokens(auth)
    hints = {code: client.get("/api", headers=headers[code]).json["hint"] for code in REFUSALS}
    assert "Refresh the session" in hints["token_expired"]
    assert "clock" in hints["token_not_yet_valid"]
    assert "signing key" in hints["key_unknown"]
    assert len(set(hints.values())) == 5


@pytest.mark.parametrize("path", ["/api", "/api/optional", "/api/shared"])
def test_while_no_key_can_be_fetched_the_503_is_json_too(auth: FaultyAuth, path: str) -> None:
    auth.faults["jwks"] = answers(503)
    response = make_app(auth).test_client().get(path, headers=bearer(auth.sign_in()))
    assert response.status_code == 503
    assert response.json["code"] == "keys_unavailable"
    assert int(response.headers["Retry-After"]) > 0


def test_an_optional_token_may_be_absent_and_cookies_do_not_count(auth: FaultyAuth) -> None:
    app = make_app(auth)
    pair = auth.sign_in()
    assert signed_in(app, pair).get("/api/optional").json == {"user": None}
    assert app.test_client().get("/api/optional", headers=bearer(pair)).json["user"] is not None


def test_a_shared_view_without_either_is_a_401_in_json(auth: FaultyAuth) -> None:
    response = make_app(auth).test_client().get("/api/shared")
    assert response.status_code == 401
    assert response.json["code"] == "not_signed_in"


def test_in_an_open_app_the_marked_views_are_closed_nevertheless(auth: FaultyAuth) -> None:
    client = make_app(auth, is_closed=False).test_client()
    for path in ("/api", "/api/shared"):
        assert client.get(path).status_code == 401


def test_a_shared_view_takes_the_token_or_the_cookie(auth: FaultyAuth) -> None:
    app = make_app(auth)
    mine, other = auth.sign_in(), auth.sign_in()
    client = signed_in(app, mine)
    session = mine["refresh_token"].partition(":")[0]
    assert client.get("/api/shared").json == {"session_id": session}
    response = client.get("/api/shared", headers=bearer(other))
    assert response.json["session_id"] == other["refresh_token"].partition(":")[0], "the token wins"
    assert "Set-Cookie" not in response.headers


def test_a_shared_view_refreshes_the_cookie_and_never_the_token(auth: FaultyAuth) -> None:
    app = make_app(auth)
    assert signed_in(app, auth.sign_in(age=4000)).get("/api/shared").status_code == 200
    calls = auth.calls["refresh"]
    assert app.test_client().get("/api/shared", headers=bearer(auth.sign_in(age=4000))).status_code == 401
    assert auth.calls["refresh"] == calls == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "http://localhost"}, 200),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 403),
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_shared_view_takes_a_cookie_from_pages_of_this_site_only(
    auth: FaultyAuth, headers: dict[str, str], status: int, method: str
) -> None:
    client = signed_in(make_app(auth), auth.sign_in())
    response = client.open("/api/shared", method=method, headers=headers)
    assert response.status_code == status
    if status == 403:
        assert response.json["code"] == "cross_site_request"
        with_token = client.open("/api/shared", method=method, headers={**headers, **bearer(auth.sign_in())})
        assert with_token.status_code == 200, "no other site can send the header"
