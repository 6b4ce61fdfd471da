"""The forty conformance cases, and what came later."""

from __future__ import annotations

import time

import pytest

from tests.signet_stack.rest.cases import ANY, CASES, LATER, Case
from tests.signet_stack.rest.conftest import Api


@pytest.mark.parametrize("case", CASES + LATER, ids=lambda case: case.name)
def test_answers_as_postgrest(api: Api, case: Case) -> None:
    method, address = case.request.split(" ", 1)
    headers = {**case.sent, **(api.as_role(case.role) if case.role else {})}
    response = api.http.request(method, address, headers=headers, json=case.body)
    assert response.status_code == case.status, response.text
    is_json = "json" in response.headers.get("Content-Type", "")
    content = response.json() if is_json and response.content else response.text
    if case.json is not ANY:
        assert content == case.json
    if case.code is not None:
        assert content.keys() == {"code", "details", "hint", "message"}
        assert content["code"] == case.code
    for text in case.texts:
        assert any(text in str(value) for value in content.values()), content
    for name, value in case.headers.items():
        assert response.headers.get(name) == value


@pytest.mark.parametrize(("ago", "status"), [(35, 401), (25, 200)])
def test_an_expired_token_has_thirty_seconds_of_grace(api: Api, ago: int, status: int) -> None:
    """Case 5."""
    headers = api.as_role("authenticated", exp=int(time.time()) - ago)
    response = api.http.get("/projects", headers=headers)
    assert response.status_code == status
    if status == 401:
        assert response.json()["code"] == "PGRST303"
        assert response.json()["message"] == "JWT expired"
        challenge = 'Bearer error="invalid_token", error_description="JWT expired"'
        assert response.headers["WWW-Authenticate"] == challenge


@pytest.mark.parametrize(
    ("request_line", "reason"),
    [
        ("GET /items", "OK"),
        ("POST /items", "Created"),
        ("DELETE /items?id=eq.1", "No Content"),
        ("GET /items?limit=0", "Partial Content"),
        ("GET /nope", "Not Found"),
        ("GET /items?id=x", "Bad Request"),
    ],
)
def test_reason_phrases_are_the_standard_ones(api: Api, request_line: str, reason: str) -> None:
    """The JavaScript client compares them."""
    method, address = request_line.split(" ")
    response = api.http.request(
        method, address, json={} if method == "POST" else None, headers={"Prefer": "count=exact"}
    )
    assert response.reason_phrase == reason
