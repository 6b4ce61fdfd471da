"""Every response carries the security headers, and nothing about a person is kept by a cache."""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app import create_app
from app.settings import Settings
from app.web.assets import Assets
from app.web.headers import content_security_policy
from tests.app.conftest import NOBODY_LISTENS
from tests.support.site import SECRET_KEY, SITE
from tests.support.visitor import Visitor

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; form-action 'self'; "
    "base-uri 'none'; object-src 'none'; frame-ancestors 'none'; img-src 'self'"
)
EXPECTED = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), display-capture=(), "
    "publickey-credentials-get=(), browsing-topics=()",
}
# name: (method, path, what is sent, expected status)
REQUESTS = {
    "a page": ("GET", "/", {}, 200),
    "a form": ("GET", "/login", {}, 200),
    "a form that comes back": ("POST", "/login", {"data": {"email": "x"}}, 422),
    "a redirect": ("GET", "/profile", {}, 303),
    "an unknown page": ("GET", "/nothing", {}, 303),
    "an unknown page as JSON": ("GET", "/nothing", {"headers": {"Accept": "application/json"}}, 401),
    "HEAD": ("HEAD", "/", {}, 200),
    "OPTIONS": ("OPTIONS", "/", {}, 200),
    "JSON": ("GET", "/healthz", {}, 200),
    "a wrong link": ("GET", "/auth/confirm", {}, 400),
    "too large a body": ("POST", "/login", {"data": {"email": "x" * 65_536}}, 413),
    "another site's form": ("POST", "/login", {"headers": {"Sec-Fetch-Site": "cross-site"}}, 403),
    "another host": ("GET", "/", {"base_url": "http://evil.example"}, 400),
    "a static file": ("GET", "/static/signet.css", {}, 200),
    "a static file that is not there": ("GET", "/static/nothing.css", {}, 404),
}


def send(visitor: Visitor, method: str, path: str, sent: dict[str, object]) -> TestResponse:
    # Buffered, because a static file stays open until its body is read.
    return visitor.client.open(path, method=method, buffered=True, **{"base_url": SITE, **sent})


@pytest.mark.parametrize(("method", "path", "sent", "status"), REQUESTS.values(), ids=REQUESTS)
def test_every_response_carries_the_headers(
    lonely: Visitor, method: str, path: str, sent: dict[str, object], status: int
) -> None:
    response = send(lonely, method, path, sent)
    assert response.status_code == status
    assert {name: response.headers.get(name) for name in EXPECTED} == EXPECTED
    assert "Strict-Transport-Security" not in response.headers
    assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize(
    ("method", "path", "sent"), [request[:3] for name, request in REQUESTS.items()], ids=REQUESTS
)
def test_only_static_files_may_be_kept(
    lonely: Visitor, method: str, path: str, sent: dict[str, object]
) -> None:
    response = send(lonely, method, path, sent)
    if path == "/static/signet.css":
        assert "no-store" not in response.headers["Cache-Control"]
        assert "Set-Cookie" not in response.headers
    else:
        assert "no-store" in response.headers["Cache-Control"]
    if not path.startswith("/static/"):
        assert "Cookie" in response.headers["Vary"]


def test_a_file_is_kept_for_ever_under_the_address_of_its_content(lonely_app: Flask, lonely: Visitor) -> None:
    with lonely_app.test_request_context():
        url = Assets().get("signet.css").url
    fresh = send(lonely, "GET", url, {})
    assert fresh.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    old = send(lonely, "GET", "/static/signet.css?v=0000000000000000", {})
    assert old.headers["Cache-Control"] == "no-cache"
    again = send(lonely, "GET", url, {"headers": {"If-None-Match": old.headers["ETag"]}})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["Content-Security-Policy"] == POLICY


def test_https_is_insisted_on_where_the_site_has_it() -> None:
    settings = Settings(
        supabase_url=NOBODY_LISTENS,
        publishable_key="sb_publishable_test",
        issuer="i",
        site_url="https://www.example.com",
        secret_key=SECRET_KEY,
    )
    response = create_app(settings).test_client().get("/", base_url="https://www.example.com")
    assert response.headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains"
    assert response.headers["Content-Security-Policy"].endswith("; upgrade-insecure-requests")


def test_pictures_from_elsewhere_need_a_word_of_the_page() -> None:
    policy = content_security_policy(remote_images=True, https=False)
    assert "img-src 'self' https:" in policy
    assert policy.replace("img-src 'self' https:", "img-src 'self'") == POLICY


def test_no_page_needs_what_the_policy_forbids(lonely: Visitor) -> None:
    """No inline script, style or handler, and nothing from another place."""
    for path in ("/", "/login", "/signup", "/auth/forgot", "/auth/confirm?code=1"):
        tree = lonely.get(path).tree
        for element in tree.walk():
            assert element.tag not in ("style", "base", "iframe", "object", "embed")
            assert not [name for name in element.attributes if name.startswith("on") or name == "style"]
        for script in tree.find_all("script"):
            assert script["src"].startswith("/static/")
            assert script["integrity"].startswith("sha384-")
            assert not script.text
