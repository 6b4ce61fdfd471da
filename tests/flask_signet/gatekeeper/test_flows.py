"""PKCE flows: verifiers in one encrypted cookie, tried in turn, and shared with a browser client."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from werkzeug import Response

from flask_signet import (
    FlowRefused,
    annotate_flow,
    begin_flow,
    finish_flow,
    pending_flow,
    public,
    start_session,
)
from flask_signet.gatekeeper.current import EXTENSION
from flask_signet.gatekeeper.flows import (
    LIFE,
    MAX_OAUTH,
    Flow,
    FlowCookies,
    SharedFlowCookies,
    challenge_of,
    new_flow,
    with_flow,
    with_note,
)
from flask_signet.gatekeeper.private_cookies import CookieCipher
from flask_signet.gatekeeper.shared_cookies import decode_json, encode_json
from tests.flask_signet.gatekeeper.faulty_auth import FaultyAuth, answers
from tests.flask_signet.gatekeeper.gatekept import Clock, make_app
from tests.support.background import StoppedClock
from tests.support.token_mint import NOW

SECRET = "a-secret-key-of-more-than-32-bytes-for-tests"
SITE = "http://localhost"
JAR = "sb-flows-80"
KEY = "sb-abcd-auth-token"
COOKIES = FlowCookies(SITE, CookieCipher((SECRET,)), StoppedClock(NOW))
SHARED = SharedFlowCookies(SITE, CookieCipher((SECRET,)), "https://abcd.supabase.co", StoppedClock(NOW))


def flows_of(*kinds: Any) -> tuple[Flow, ...]:
    flows: tuple[Flow, ...] = ()
    for kind in kinds:
        flows = with_flow(flows, new_flow(kind, NOW))
    return flows


def written(cookies: FlowCookies, flows: tuple[Flow, ...], sent: dict[str, list[str]]) -> dict[str, str]:
    """Return the cookies of a browser after a response that stores these flows."""
    response = Response()
    cookies.write(response, flows, sent)
    jar = {name: values[0] for name, values in sent.items()}
    for line in response.headers.getlist("Set-Cookie"):
        name, _, value = line.partition(";")[0].partition("=")
        jar.pop(name, None)
        if value:
            jar[name] = value
    return jar


def sent(jar: dict[str, str]) -> dict[str, list[str]]:
    return {name: [value] for name, value in jar.items()}


def test_the_challenge_is_the_example_of_the_standard() -> None:
    assert (
        challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )


def test_a_verifier_never_repeats_and_is_not_in_a_repr() -> None:
    first, second = new_flow("oauth", NOW), new_flow("oauth", NOW)
    assert first.verifier != second.verifier
    assert first.verifier not in repr(first)


def test_a_flow_replaces_the_one_of_its_kind() -> None:
    flows = flows_of("signup", "recovery", "signup")
    assert [flow.kind for flow in flows] == ["recovery", "signup"]


def test_the_sixth_oauth_flow_replaces_the_oldest() -> None:
    five = flows_of("signup", *["oauth"] * MAX_OAUTH)
    six = with_flow(five, new_flow("oauth", NOW))
    assert len([flow for flow in six if flow.kind == "oauth"]) == MAX_OAUTH
    assert five[1] not in six
    assert five[0] in six
    assert five[2] in six


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="'sso' is not one of signup"):
        new_flow("sso", NOW)  # type: ignore[arg-type]


def test_a_note_belongs_to_the_newest_flow_of_its_kind() -> None:
    flows = with_note(flows_of("oauth", "oauth", "signup"), "oauth", "x")
    assert [flow.note for flow in flows] == ["", "x", ""]
    with pytest.raises(ValueError, match="100 characters"):
        with_note(flows, "oauth", "x" * 101)


def test_what_was_written_is_read_again_and_hidden_from_scripts() -> None:
    flows = with_note(flows_of("signup", "recovery", "oauth"), "signup", "id")
    response = Response()
    COOKIES.write(response, flows, {})
    (line,) = response.headers.getlist("Set-Cookie")
    assert set(line.split("; ")[1:]) >= {"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=3600"}
    assert flows[0].verifier not in line
    assert COOKIES.read(sent(written(COOKIES, flows, {}))) == flows


def test_on_https_the_cookie_is_bound_to_the_host() -> None:
    secure = FlowCookies("https://www.example.com", CookieCipher((SECRET,)))
    response = Response()
    secure.write(response, flows_of("oauth"), {})
    assert response.headers["Set-Cookie"].startswith("__Host-sb-flows=")
    assert "Secure" in response.headers["Set-Cookie"]


def test_after_an_hour_a_flow_is_gone() -> None:
    clock = StoppedClock(NOW)
    cookies = FlowCookies(SITE, CookieCipher((SECRET,)), clock)
    jar = written(cookies, flows_of("oauth"), {})
    clock.now += LIFE
    assert len(cookies.read(sent(jar))) == 1
    clock.now += 1
    assert cookies.read(sent(jar)) == ()


def test_a_foreign_or_tampered_cookie_holds_no_flow() -> None:
    jar = written(COOKIES, flows_of("oauth"), {})
    foreign = FlowCookies(SITE, CookieCipher(("another-secret-key-of-more-than-32-bytes",)))
    assert foreign.read(sent(jar)) == ()
    value = jar[JAR]
    for position in range(0, len(value) - 1, 7):
        changed = value[:position] + ("A" if value[position] != "A" else "B") + value[position + 1 :]
        assert COOKIES.read({JAR: [changed]}) == ()


@pytest.mark.parametrize(
    "content",
    [b"", b"null", b"{}", b"[[]]", b'[["oauth"]]', b'[["sso","v",1,"",""]]', b'[["oauth","v","1","",""]]'],
)
def test_the_layout_of_another_version_holds_no_flow(content: bytes) -> None:
    value = CookieCipher((SECRET,)).encrypt(content, JAR)
    assert COOKIES.read({JAR: [value]}) == ()


def test_a_session_cookie_is_no_flow_cookie() -> None:
    value = CookieCipher((SECRET,)).encrypt(b"[]", "sb-80")
    assert COOKIES.read({JAR: [value]}) == ()


def test_in_shared_mode_the_browser_client_finds_the_verifiers() -> None:
    flows = flows_of("recovery", "oauth")
    jar = written(SHARED, flows, {})
    slots = [f"{KEY}-flow-{flow.slot}-code-verifier" for flow in flows]
    assert decode_json(jar[f"{KEY}-flows-code-verifier"]) == [flow.slot for flow in flows]
    assert decode_json(jar[slots[0]]) == f"{flows[0].verifier}/PASSWORD_RECOVERY"
    assert decode_json(jar[slots[1]]) == flows[1].verifier
    assert jar[f"{KEY}-code-verifier"] == jar[slots[1]], "the newest also has the fixed name"
    assert SHARED.read(sent(jar)) == flows


def test_in_shared_mode_the_sixth_slot_replaces_the_oldest() -> None:
    flows = flows_of("signup", "recovery", "magiclink", "oauth", "oauth")
    jar = written(SHARED, flows, {})
    more = with_flow(flows, new_flow("oauth", NOW))
    jar = written(SHARED, more, sent(jar))
    assert f"{KEY}-flow-{flows[0].slot}-code-verifier" not in jar
    assert len([name for name in jar if "-flow-" in name]) == 5
    assert SHARED.read(sent(jar)) == more, "the encrypted cookie still has it"


def test_in_shared_mode_flows_of_the_browser_client_are_read() -> None:
    verifier, recovery = "v" * 112, "r" * 112
    jar = {
        f"{KEY}-flow-aaaaaaaa-code-verifier": encode_json(verifier),
        f"{KEY}-flow-bbbbbbbb-code-verifier": encode_json(f"{recovery}/PASSWORD_RECOVERY"),
        f"{KEY}-flows-code-verifier": encode_json(["aaaaaaaa", "bbbbbbbb"]),
        f"{KEY}-code-verifier": encode_json(f"{recovery}/PASSWORD_RECOVERY"),
    }
    assert [(flow.kind, flow.verifier) for flow in SHARED.read(sent(jar))] == [
        ("recovery", recovery),
        ("oauth", verifier),
    ]
    assert written(SHARED, (), sent(jar)) == {}, "a finished sign-in removes them all"


@pytest.mark.parametrize(
    "value", ["", "junk", "base64-!", encode_json("short"), encode_json({"a": 1}), encode_json([1])]
)
def test_in_shared_mode_a_broken_verifier_is_none(value: str) -> None:
    names = (f"{KEY}-code-verifier", f"{KEY}-flows-code-verifier", f"{KEY}-flow-aaaaaaaa-code-verifier")
    assert SHARED.read({name: [value] for name in names}) == ()


@given(
    st.dictionaries(
        st.sampled_from([JAR, f"{KEY}-code-verifier", f"{KEY}-flows-code-verifier"]), st.lists(st.text())
    )
)
def test_any_cookies_are_read_without_an_error(values: dict[str, list[str]]) -> None:
    SHARED.read(values)


@pytest.fixture(params=["private", "shared"])
def site(request: pytest.FixtureRequest, auth: FaultyAuth) -> Flask:
    """Return an app with pages that begin and finish flows."""
    app = make_app(auth, Clock(time.time), cookie_mode=request.param)
    add_flow_pages(app)
    return app


def add_flow_pages(app: Flask) -> None:
    @app.post("/begin/<kind>")
    @public
    def begin(kind: Any) -> str:
        challenge = begin_flow(kind)
        if note := request.args.get("note"):
            annotate_flow(kind, note)
        return challenge

    @app.get("/pending/<kind>")
    @public
    def pending(kind: Any) -> dict[str, Any]:
        flow = pending_flow(kind)
        return {"note": flow.note if flow else None}

    @app.post("/finish/<code>")
    @public
    def finish(code: str) -> Any:
        try:
            tokens = finish_flow(code)
        except FlowRefused as error:
            return {"refused": error.code}, 400
        start_session(tokens)
        return {"kind": tokens.flow.kind, "note": tokens.flow.note}


def begin(client: FlaskClient, auth: FaultyAuth, kind: str, code: str, note: str = "") -> None:
    """Begin a flow and let Auth issue a code for it."""
    auth.codes[code] = client.post(f"/begin/{kind}", query_string={"note": note} if note else {}).text


def test_a_flow_ends_in_a_session(site: Flask, auth: FaultyAuth) -> None:
    client = site.test_client()
    begin(client, auth, "signup", "one", note="account-id")
    assert client.get("/pending/signup").json == {"note": "account-id"}
    response = client.post("/finish/one")
    assert response.json == {"kind": "signup", "note": "account-id"}
    assert response.headers["Cache-Control"] == "private, no-store"
    assert client.get("/private").status_code == 200
    assert client.get_cookie(JAR) is None, "a sign-in ends all flows"
    assert client.get("/pending/signup").json == {"note": None}


def test_flows_of_two_tabs_are_tried_in_turn(site: Flask, auth: FaultyAuth) -> None:
    client = site.test_client()
    begin(client, auth, "oauth", "first")
    begin(client, auth, "oauth", "second")
    begin(client, auth, "recovery", "third")
    assert client.post("/finish/first").json["kind"] == "oauth"
    assert auth.calls["code"] == 3


def test_in_another_browser_the_code_is_refused_and_stays_good(site: Flask, auth: FaultyAuth) -> None:
    mine, other = site.test_client(), site.test_client()
    begin(mine, auth, "recovery", "one")
    begin(other, auth, "recovery", "two")
    assert other.post("/finish/one").json == {"refused": "bad_code_verifier"}
    assert mine.post("/finish/one").status_code == 200


def test_without_any_verifier_auth_is_not_called(site: Flask, auth: FaultyAuth) -> None:
    assert site.test_client().post("/finish/one").json == {"refused": "bad_code_verifier"}
    assert auth.calls["code"] == 0


def test_a_code_that_was_used_or_is_too_old_is_refused_by_its_reason(site: Flask, auth: FaultyAuth) -> None:
    client = site.test_client()
    begin(client, auth, "oauth", "one")
    assert client.post("/finish/unknown").json == {"refused": "flow_state_not_found"}
    auth.faults["code"] = answers(422, {"code": "flow_state_expired"})
    assert client.post("/finish/one").json == {"refused": "flow_state_expired"}
    del auth.faults["code"]
    assert client.post("/finish/one").status_code == 200, "a refusal keeps the verifiers"


def test_while_auth_does_not_answer_nothing_is_lost(site: Flask, auth: FaultyAuth) -> None:
    client = site.test_client()
    client.application.testing = False
    begin(client, auth, "oauth", "one")
    auth.faults["code"] = answers(503)
    assert client.post("/finish/one").status_code == 500, "the app has no handler for AuthUnavailable"
    breaker = site.extensions[EXTENSION].breaker
    for _ in range(5):
        breaker.failed("status 503", since=breaker.now())
    calls = auth.calls["code"]
    assert client.post("/finish/one").status_code == 500
    assert auth.calls["code"] == calls, "while the breaker is open the code is not sent"
    breaker.succeeded()
    del auth.faults["code"]
    assert client.post("/finish/one").status_code == 200


def test_a_page_that_begins_a_flow_is_not_cached(site: Flask) -> None:
    response = site.test_client().post("/begin/oauth")
    assert response.headers["Cache-Control"] == "private, no-store"
    assert len(json.dumps(response.headers.getlist("Set-Cookie"))) < 4000
