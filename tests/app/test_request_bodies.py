"""Bodies that are no form: every route answers 4xx in words, never a traceback and never a change."""

from __future__ import annotations

import json

import pytest
from flask import Flask

from tests.support.people import Person
from tests.support.site import SITE

DEEP = "[" * 30_000 + "]" * 30_000
BODIES = {
    "empty": b"",
    "list": b"[]",
    "number": b"7",
    "text": b'"csrf_token"',
    "null": b"null",
    "object": json.dumps({"email": 1, "csrf_token": ["x"], "next": {"a": 1}}).encode(),
    "deep nesting": DEEP.encode(),
    "lone surrogate": b'{"email": "\\ud800"}',
    "broken": b'{"email":',
    "NUL": b"\x00",
    "not UTF-8": b"\xff\xfe\xfa",
    "form": b"email=%ED%A0%80&password=%00&next=%FF",
    "many fields": b"&".join(b"a%d=1" % n for n in range(2000)),
    "multipart": b'--b\r\nContent-Disposition: form-data; name="email"; filename="a"\r\n\r\nx\r\n--b--\r\n',
    "half multipart": b'--b\r\nContent-Disposition: form-data; name="email"',
}
TYPES = (
    "",
    "application/json",
    "application/json; charset=utf-16",
    "application/vnd.api+json",
    "text/plain",
    "application/xml",
    "application/octet-stream",
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=utf-16",
    "multipart/form-data",
    "multipart/form-data; boundary=b",
    "nonsense",
    "\xe9/\xe9",
)
FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})


def posting_routes(app: Flask) -> list[str]:
    return sorted(
        rule.rule
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and not rule.arguments
    )


@pytest.mark.parametrize("content_type", TYPES)
def test_no_body_of_any_type_is_a_500(app: Flask, person: Person, content_type: str) -> None:
    routes = posting_routes(app)
    assert len(routes) >= 9
    for route in routes:
        for name, body in BODIES.items():
            response = person.visitor.client.post(
                route,
                base_url=SITE,
                data=body,
                headers={"Content-Type": content_type} if content_type else {},
            )
            assert response.status_code < 500, (route, name)
            assert response.status_code >= 300, (route, name)
            is_form = content_type.partition(";")[0] in FORMS
            if not is_form and (content_type or body):
                assert response.status_code in (303, 415), (route, name, response.status_code)
    assert person.get("/").heading == "You are logged in"


def test_a_program_is_told_which_type_is_expected(app: Flask) -> None:
    response = app.test_client().post("/login", base_url=SITE, json={"email": "a@example.com"})
    assert response.status_code == 415
    assert response.get_json()["code"] == "wrong_type"
