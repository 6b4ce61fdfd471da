"""Bearer tokens of API clients: on the routes that ask for them, and nowhere else."""

from __future__ import annotations

import pytest

from tests.flask_signet.gatekeeper.faulty_auth import FaultyAuth
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
def test_an_api_route_wants_a_good_bearer_token(auth: FaultyAuth, header: str | None, challenge: str) -> None:
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
