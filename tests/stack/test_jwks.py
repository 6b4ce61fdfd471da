"""The key set that verifiers fetch."""

from __future__ import annotations

from collections.abc import Callable

from devstack.auth import create_auth
from devstack.context import Context


def test_publishes_the_public_half_of_an_es256_key(make_context: Callable[..., Context]) -> None:
    response = create_auth(make_context()).test_client().get("/.well-known/jwks.json")
    assert response.headers["Cache-Control"] == "public, max-age=600"
    (key,) = response.json["keys"]
    assert key["alg"] == "ES256"
    assert key["crv"] == "P-256"
    assert key["key_ops"] == ["verify"]
    assert "d" not in key
