"""Attacks on sessions, cookies and HTTP against the app as it is served.

Some are proven closer to the code too: the gatekeeper's doors and sessions, form tokens, page headers.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from flask import Flask
from supabase import AuthApiError

from flask_signet.clients import anonymous_client, user_client
from flask_signet.gatekeeper import Identity
from flask_signet.gatekeeper.cookies import StoredSession
from flask_signet.gatekeeper.private_cookies import CookieCipher, PrivateCookies
from signet_stack.handle import RunningStack
from tests.app.served import Served, serve
from tests.support.people import Person, sign_up
from tests.support.site import SECRET_KEY, SITE
from tests.support.verified import CLAIMS

COOKIE = "sb-8000"


@pytest.fixture(scope="module")
def site(stack: RunningStack) -> Iterator[Served]:
    with serve(stack) as served:
        yield served


def session_of(person: Person) -> StoredSession:
    """Return what a person's cookie holds."""
    cookie = person.visitor.client.get_cookie(COOKIE, domain="127.0.0.1")
    assert cookie is not None
    session = PrivateCookies(SITE, CookieCipher((SECRET_KEY,))).read({COOKIE: [cookie.value]}).session
    assert session is not None
    return session


def cookie_at(site: Served, session: StoredSession) -> str:
    """Return the cookie that the served site would set for a session."""
    sealed = PrivateCookies(f"http://127.0.0.1:{site.port}", CookieCipher((SECRET_KEY,))).prepare(
        session, CLAIMS
    )
    return "; ".join(f"{name}={value}" for name, value in sealed.items())


@pytest.fixture(scope="module")
def member(app: Flask, site: Served) -> str:
    """Return the Cookie header of somebody who is logged in at the served site."""
    return cookie_at(site, session_of(sign_up(app)))


def test_the_member_of_these_tests_is_let_in(site: Served, member: str) -> None:
    assert site.get("/profile", f"Cookie: {member}").status == 200


@pytest.mark.parametrize("value", ["planted", "eyJhbGciOiJIUzI1NiJ9.e30.x", "A" * 1200])
def test_a_planted_session_is_none_and_is_not_adopted(site: Served, value: str) -> None:
    answer = site.get("/profile", f"Cookie: sb-{site.port}={value}")
    assert (answer.status, answer.headers("Location")) == (303, ["/login?next=/profile"])
    assert any("Max-Age=0" in line for line in answer.headers("Set-Cookie"))


@pytest.mark.parametrize("path", ["/login", "/signup", "/logout", "/profile"])
@pytest.mark.parametrize(
    "line", ["Sec-Fetch-Site: cross-site", "Origin: https://evil.example", "Origin: null"]
)
def test_forms_of_other_sites_are_refused(site: Served, member: str, path: str, line: str) -> None:
    answer = site.get(path, f"Cookie: {member}", "Content-Length: 0", line, method="POST")
    assert answer.status == 403
    assert answer.headers("Set-Cookie") == []


def test_signing_out_takes_a_form(site: Served, member: str) -> None:
    assert site.get("/logout", f"Cookie: {member}").status == 405
    assert site.get("/logout", f"Cookie: {member}", "Content-Length: 0", method="POST").status == 422
    assert site.get("/profile", f"Cookie: {member}").status == 200


def test_tabs_and_lost_answers_sign_nobody_out(app: Flask) -> None:
    """The old cookie of another tab still gets the active token."""
    other_tab = session_of(sign_up(app)).tokens.refresh_token
    with app.app_context():
        auth = anonymous_client().auth
    renewed = auth.refresh_session(other_tab).session.refresh_token
    assert auth.refresh_session(other_tab).session.refresh_token == renewed


def test_an_old_refresh_token_ends_the_session_for_thief_and_owner(app: Flask, stack: RunningStack) -> None:
    stolen = latest = session_of(sign_up(app)).tokens.refresh_token
    with app.app_context():
        auth = anonymous_client().auth
    for _ in range(3):
        latest = auth.refresh_session(latest).session.refresh_token
    # Within seconds a token that is two behind is forgiven, so let a minute pass.
    with psycopg.connect(stack.database_url) as connection:
        connection.execute("update auth.sessions set refreshed_at = refreshed_at - interval '1 minute'")
    with pytest.raises(AuthApiError) as thief:
        auth.refresh_session(stolen)
    with pytest.raises(AuthApiError) as owner:
        auth.refresh_session(latest)
    assert thief.value.code == "refresh_token_already_used"
    assert owner.value.code == "refresh_token_not_found"


def test_after_signing_out_the_stolen_cookie_opens_neither_pages_nor_rows(app: Flask) -> None:
    person = sign_up(app)
    person.create_profile("Mine")
    stolen = session_of(person)
    person.get("/")
    person.press("Sign out")
    thief = app.test_client()
    for name, value in PrivateCookies(SITE, CookieCipher((SECRET_KEY,))).prepare(stolen, CLAIMS).items():
        thief.set_cookie(name, value, domain="127.0.0.1")
    assert thief.get("/profile", base_url=SITE).status_code == 303
    with app.app_context():
        client = user_client(Identity.of(CLAIMS, stolen.tokens.access_token))
    assert client.table("profiles").select("*").execute().data == []


@pytest.mark.parametrize(
    "template",
    [
        "{name}={good}\r\nCookie: {name}=x",
        "\u00a0{name}={good}",
        "={name}={good}",
        "$Version=1; {name}={good}x",
        '{name}="{good}\\073"',
    ],
)
def test_a_twisted_cookie_is_no_session(site: Served, member: str, template: str) -> None:
    name, _, good = member.partition("=")
    answer = site.get("/profile", f"Cookie: {template.format(name=name, good=good)}")
    assert answer.status in (303, 400)


@pytest.mark.parametrize("template", ["{name}={good}; {name}=x", "{name}=x; {name}={good}"])
def test_a_cookie_that_a_sibling_subdomain_adds_signs_nobody_out(
    site: Served, member: str, template: str
) -> None:
    name, _, good = member.partition("=")
    answer = site.get("/profile", f"Cookie: {template.format(name=name, good=good)}")
    assert answer.status == 200


def test_a_cookie_bomb_hurts_one_request_only(site: Served) -> None:
    bomb = "; ".join(f"junk{number}={'x' * 3800}" for number in range(10))
    assert site.get("/", f"Cookie: {bomb}").status in (400, 431)
    assert site.get("/").status == 200


@pytest.mark.parametrize("name", ["{n}.0={a}; {n}.1={b}", "{n}.1={a}", "{n}.0={a}", "{n}={a}{b}"])
def test_parts_of_sessions_are_none(site: Served, member: str, name: str) -> None:
    cookie, _, value = member.partition("=")
    half = len(value) // 2
    mixed = name.format(n=cookie, a=value[:half], b=value[half:][::-1])
    assert site.get("/profile", f"Cookie: {mixed}").status == 303


def test_no_cache_between_two_people_mixes_them_up(app: Flask, site: Served) -> None:
    kept: dict[str, str] = {}
    for person in (sign_up(app), sign_up(app)):
        cookie = cookie_at(site, session_of(person))
        for path in ("/", "/profile", "/people", "/login", "/nothing-here", "/profile/x.css"):
            answer = site.get(path, f"Cookie: {cookie}")
            may_keep = "no-store" not in "".join(answer.headers("Cache-Control"))
            if may_keep:
                kept[path] = answer.text
            assert "Cookie" in "".join(answer.headers("Vary"))
    assert kept == {}


SPELLINGS = """
/profile/ /profile. /PROFILE /profile%00 /profile%20 /profile;.png /profile%2f.png /login/../profile
/login/%2e%2e/profile /login%2f..%2fprofile //profile //evil.example/profile /./profile /static/..%2fprofile
/_next/static/../profile /favicon.ico/../profile http://127.0.0.1/profile * /profile?x=.png /people/x.css
"""
METHODS = "GET HEAD POST PUT PATCH DELETE OPTIONS TRACE FOO"


@pytest.mark.parametrize("method", METHODS.split())
def test_no_spelling_and_no_method_shows_a_private_page(site: Served, method: str) -> None:
    for path in SPELLINGS.split():
        answer = site.get(path, "Content-Length: 0", method=method)
        assert "Your profile" not in answer.text, path
        assert answer.status not in (200, 201, 204) or method == "OPTIONS", (path, answer.status)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:80", "", "a b"])
def test_a_foreign_host_is_refused(site: Served, host: str) -> None:
    answer = site.get("/login", host=host)
    assert answer.status == 400
    assert "evil.example" not in answer.text


@pytest.mark.parametrize(
    "line",
    [
        "X-Forwarded-Host: evil.example",
        "X-Forwarded-Proto: https",
        "X-Forwarded-For: <script>alert(1)</script>",
        "X-Forwarded-Port: 1",
        "X-Forwarded-Prefix: //evil.example",
        "Forwarded: host=evil.example",
    ],
)
def test_headers_of_proxies_that_are_not_there_change_nothing(site: Served, line: str) -> None:
    plain, forged = site.get("/profile"), site.get("/profile", line)
    assert forged.status == plain.status == 303
    assert forged.headers("Location") == plain.headers("Location")
    assert "evil" not in forged.text
    assert "Secure" not in "".join(forged.headers("Set-Cookie"))


def test_no_page_can_be_framed_or_stays_after_signing_out(site: Served, member: str) -> None:
    answer = site.get("/profile", f"Cookie: {member}")
    assert "frame-ancestors 'none'" in answer.headers("Content-Security-Policy")[0]
    assert answer.headers("Referrer-Policy") == ["same-origin"]
    assert "no-store" in answer.headers("Cache-Control")[0]


@pytest.mark.parametrize(
    ("raw", "statuses"),
    [
        (b"POST /login HTTP/1.1\r\nHost: {host}\r\nContent-Length: 70000\r\n\r\n" + b"a" * 70000, {413}),
        (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: {host}\r\n\r\n", {400, 414}),
        (b"GET / HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\n\r\n", {400}),
        (b"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", {400}),
        (b"GET / HTTP/9.9\r\nHost: {host}\r\n\r\n", {400, 505}),
        (b"\x00\x01\x02\r\n\r\n", {400}),
    ],
    ids=["large_body", "long_line", "two_hosts", "two_lengths", "no_such_version", "no_http"],
)
def test_oversized_and_malformed_requests_lose_no_worker(
    site: Served, raw: bytes, statuses: set[int]
) -> None:
    request = raw.replace(b"{host}", f"127.0.0.1:{site.port}".encode()).replace(
        b"HTTP/1.1\r\n", b"HTTP/1.1\r\nConnection: close\r\n", 1
    )
    assert site.send(request).status in statuses
    assert site.get("/healthz").status == 200
