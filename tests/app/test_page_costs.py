"""Work that a signed-in page does once: each repetition was a large part of its CPU time (bench/pages.py)."""

from __future__ import annotations

import re

import httpx
import pytest
from flask import Flask
from flask_wtf import csrf as flask_wtf_csrf

from app.web.session_cookie import SessionCookie
from flask_signet import clients
from tests.support.people import Person, sign_up

PAGES = ("/", "/profile", "/people", "/account/sessions")


@pytest.fixture(scope="module")
def reader(app: Flask) -> Person:
    """Return a person whose pages are only read; the first page shows the message of the sign-up."""
    person = sign_up(app)
    person.get("/")
    return person


@pytest.mark.parametrize("path", PAGES)
def test_a_signed_in_page_sets_no_cookie(reader: Person, path: str) -> None:
    reader.get(path)  # the first form makes the secret of the form tokens
    assert reader.get(path).response.headers.getlist("Set-Cookie") == []


@pytest.mark.parametrize("path", PAGES)
def test_a_page_signs_one_form_token(reader: Person, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    signed: list[object] = []

    class Counted(flask_wtf_csrf.URLSafeTimedSerializer):  # type: ignore[misc]
        def dumps(self, obj: object, salt: str | bytes | None = None) -> str | bytes:
            signed.append(obj)
            return super().dumps(obj, salt)  # type: ignore[no-any-return]

    monkeypatch.setattr(flask_wtf_csrf, "URLSafeTimedSerializer", Counted)
    html = reader.get(path).response.text
    tokens = re.findall(r'name="csrf_token" value="([^"]+)"', html)
    assert len(signed) == 1
    assert tokens
    assert len(set(tokens)) == 1


@pytest.mark.parametrize("has_profile", [False, True])
def test_the_profile_page_asks_the_data_api_once(
    app: Flask, monkeypatch: pytest.MonkeyPatch, has_profile: bool
) -> None:
    person = sign_up(app)
    if has_profile:
        person.create_profile("Ada")
    sent: list[str] = []
    send = clients._Http.send

    def counted(http: clients._Http, request: httpx.Request, **options: object) -> httpx.Response:
        sent.append(request.url.path)
        return send(http, request, **options)

    monkeypatch.setattr(clients._Http, "send", counted)
    assert person.get("/profile").status == 200
    assert sent == ["/rest/v1/rpc/my_profile"]


def test_every_header_is_sent_once(reader: Person) -> None:
    names = [name for name, _ in reader.get("/").response.headers]
    assert sorted(set(names)) == sorted(names)


def test_the_signer_of_the_session_cookie_is_made_once_per_key() -> None:
    app = Flask(__name__)
    app.secret_key = "first"
    interface = SessionCookie()
    first = interface.get_signing_serializer(app)
    assert first is not None
    assert interface.get_signing_serializer(app) is first
    cookie = first.dumps({"author": "ada"})
    app.secret_key, app.config["SECRET_KEY_FALLBACKS"] = "second", ["first"]
    second = interface.get_signing_serializer(app)
    assert second is not None
    assert second.loads(cookie) == {"author": "ada"}
    assert second.dumps({"author": "ada"}) != cookie
