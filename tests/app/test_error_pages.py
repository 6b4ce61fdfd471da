"""Every failure is a page with a next step, or JSON of one shape; none needs the database or Auth.

The rule for JSON: an object with `code`, `message`, `hint` and `reference`, the status that the page has too.
"""

from __future__ import annotations

import logging

import pytest
from flask import Flask, abort
from werkzeug.exceptions import MethodNotAllowed, ServiceUnavailable, TooManyRequests
from werkzeug.routing import RequestRedirect

from app import create_app, errors
from app.settings import Settings
from app.web.error_pages import HTTP_WORDS
from flask_signet.gatekeeper import public
from flask_signet.gatekeeper.errors import AuthMisconfigured, AuthUnavailable, KeysUnavailable, TokenExpired
from flask_signet.gatekeeper.refusals import RoleRequired, SessionUnavailable, StepUpRequired
from flask_signet.origin import CrossSiteRequest
from tests.app.conftest import NOBODY_LISTENS
from tests.support.site import SECRET_KEY, SITE
from tests.support.visitor import Visitor

JSON = {"Accept": "application/json"}
RAISED = {
    "input": (errors.InputRejected(), 400, "input_rejected"),
    "sign-in": (errors.SignInRefused(), 400, "sign_in_refused"),
    "not allowed": (errors.NotAllowed("The policies say no.", hint="Ask."), 403, "not_allowed"),
    "not found": (errors.NotFound(), 404, "not_found"),
    "conflict": (errors.Conflict(), 409, "conflict"),
    "limit": (errors.TooManyAttempts(retry_after=40), 429, "too_many_attempts"),
    "down": (errors.ServiceUnavailable(retry_after=5), 503, "service_unavailable"),
    "misconfigured": (errors.Misconfigured(), 503, "misconfigured"),
    "token": (TokenExpired(), 503, "token_expired"),
    "keys": (KeysUnavailable(), 503, "keys_unavailable"),
    "auth": (AuthUnavailable("timeout"), 503, "auth_unavailable"),
    "gateway": (AuthMisconfigured(), 503, "auth_misconfigured"),
    "werkzeug limit": (TooManyRequests(retry_after=7), 429, "too_many_requests"),
    "werkzeug unavailable": (ServiceUnavailable("Come back.", retry_after=7), 503, "service_unavailable"),
    "role": (RoleRequired("admin"), 403, "role_required"),
    "second factor": (StepUpRequired(aal="aal2"), 403, "aal2_required"),
    "recent login": (StepUpRequired(fresh=600), 403, "fresh_login_required"),
    "cross site": (CrossSiteRequest(), 403, "cross_site_request"),
    "session unavailable": (SessionUnavailable(AuthUnavailable("x", retry_after=7)), 503, "auth_unavailable"),
    "method": (MethodNotAllowed(["GET", "HEAD"]), 405, "method_not_allowed"),
    "a fault of ours": (ZeroDivisionError("secret detail"), 500, "internal_error"),
}


@pytest.fixture(scope="module")
def failing_app() -> Flask:
    """Return an app with views that fail in every way that there is."""
    settings = Settings(
        supabase_url=NOBODY_LISTENS,
        publishable_key="sb_publishable_test",
        issuer="i",
        site_url=SITE,
        secret_key=SECRET_KEY,
    )
    app = create_app(settings)
    app.add_url_rule("/fail/<name>", "fail", public(fail))
    app.add_url_rule("/status/<int:code>", "status", public(fail_with))
    return app


def fail(name: str) -> None:
    if name == "redirect":
        raise RequestRedirect("/folder/")
    raise RAISED[name][0]


def fail_with(code: int) -> None:
    abort(code)


@pytest.fixture
def visitor(failing_app: Flask) -> Visitor:
    return Visitor(failing_app.test_client(), SITE)


@pytest.mark.parametrize("name", RAISED)
def test_an_error_is_a_page_with_status_words_and_a_way_on(visitor: Visitor, name: str) -> None:
    raised, status, _ = RAISED[name]
    page = visitor.get(f"/fail/{name}")
    assert page.status == status
    assert page.heading
    assert page.title == f"{page.heading} · Signet"
    assert [link["href"] for link in page.tree.find("main").find_all("a")]
    if isinstance(raised, errors.AppError):
        assert page.heading == raised.message
        assert raised.hint.removesuffix("Try again in a moment.") in page.main
    assert "secret detail" not in page.response.text


@pytest.mark.parametrize("name", RAISED)
def test_the_same_error_is_json_for_a_program(visitor: Visitor, name: str) -> None:
    _, status, code = RAISED[name]
    response = visitor.get(f"/fail/{name}", **JSON).response
    assert response.status_code == status
    assert response.json is not None
    assert response.json.keys() == {"code", "message", "hint", "reference"}
    assert response.json["code"] == code


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 500, 503])
def test_every_status_has_words_of_its_own(visitor: Visitor, status: int) -> None:
    page = visitor.get(f"/status/{status}")
    assert page.status == status
    assert page.heading == HTTP_WORDS[status][1]
    assert HTTP_WORDS[status][2] in page.main


@pytest.mark.parametrize(("status", "like"), [(418, 400), (410, 400), (501, 500), (504, 500)])
def test_an_unusual_status_reads_like_its_kind(visitor: Visitor, status: int, like: int) -> None:
    page = visitor.get(f"/status/{status}")
    assert (page.status, page.heading) == (status, HTTP_WORDS[like][1])


@pytest.mark.parametrize(
    ("name", "seconds", "words"),
    [
        ("limit", "40", "Try again in 40 seconds."),
        ("down", "5", "You are still signed in. Try again in 5 seconds."),
        ("auth", "5", ""),
        ("werkzeug unavailable", "7", "Come back."),
    ],
)
def test_a_wait_is_in_the_header_and_in_words(visitor: Visitor, name: str, seconds: str, words: str) -> None:
    page = visitor.get(f"/fail/{name}")
    assert page.response.headers["Retry-After"] == seconds
    assert words in page.main
    assert page.main.count("Try again in") <= 1


def test_the_reference_on_the_page_finds_the_detail_in_the_log(
    visitor: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "app.errors"):
        visitor.get("/fail/auth")
    assert visitor.page is not None
    reference = visitor.page.tree.find("main").find("code").text
    assert f"reference={reference}" in caplog.text
    assert "timeout" in caplog.text
    assert "timeout" not in visitor.page.main


@pytest.mark.parametrize(
    ("accept", "is_json"),
    [
        ("text/html,application/xhtml+xml,*/*;q=0.8", False),
        ("*/*", False),
        ("", False),
        ("application/json", True),
        ("application/json, text/html;q=0.5", True),
        ("text/html, application/json;q=0.9", False),
    ],
)
def test_whoever_asks_decides_between_page_and_json(visitor: Visitor, accept: str, is_json: bool) -> None:
    response = visitor.get("/fail/not found", Accept=accept).response
    assert response.is_json is is_json


def test_a_wrong_method_says_which_are_right(visitor: Visitor) -> None:
    page = visitor.get("/fail/method")
    assert (page.status, page.response.headers["Allow"]) == (405, "GET, HEAD")


def test_a_body_over_64_kib_is_refused_in_words(visitor: Visitor) -> None:
    response = visitor.post("/login", email="a" * 65_536)
    assert response.status_code == 413
    assert "at most 64 KiB" in response.text


def test_an_untrusted_host_is_refused(visitor: Visitor) -> None:
    response = visitor.client.get("/", base_url="http://evil.example")
    assert response.status_code == 400
    assert "evil" not in response.text
    assert f"Open {SITE}, or set SITE_URL" in response.text


def test_an_untrusted_host_does_not_learn_the_name_of_a_site_on_the_internet() -> None:
    settings = Settings(
        "https://a.supabase.co", "sb_publishable_test", "i", "https://site.example", SECRET_KEY
    )
    response = create_app(settings).test_client().get("/", base_url="https://192.0.2.1")
    assert response.status_code == 400
    assert "own address" in response.text
    assert "site.example" not in response.text


def test_a_redirect_of_the_router_is_no_error(visitor: Visitor) -> None:
    response = visitor.client.get("/fail/redirect", base_url=SITE)
    assert (response.status_code, response.headers["Location"]) == (308, "/folder/")
