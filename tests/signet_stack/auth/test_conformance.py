"""Conformance with the protocol of Supabase Auth, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.signet_stack.auth import steps
from tests.signet_stack.auth.conftest import API_VERSION, PASSWORD, Project, claims_of, error, new_email

Install = Callable[[str, str], None]
HALF_DONE = "Confirmation link accepted. Please proceed to confirm link sent to the other email"
NEW_PASSWORD = {"password": "another password"}
TOKENS_OF = "select token, revoked, parent from auth.refresh_tokens where session_id = %s order by id"


def test_a_new_address_gets_a_bare_user_and_a_mail(project: Project) -> None:
    project.set(mailer_autoconfirm=False)
    email = new_email()
    user = project.post("/signup", {"email": email, "password": PASSWORD}).json()
    assert not {"access_token", "refresh_token", "user"} & user.keys()
    assert user["app_metadata"] == {"provider": "email", "providers": ["email"]}
    assert user["confirmation_sent_at"]
    assert [mail["kind"] for mail in project.mails(email)] == ["signup"]


def test_a_confirmed_address_looks_new_and_gets_no_mail(project: Project) -> None:
    email = new_email()
    real = project.sign_up(email)["user"]
    project.set(mailer_autoconfirm=False)
    shown = project.post("/signup", {"email": email, "password": PASSWORD, "data": {"n": 1}}).json()
    assert shown["id"] != real["id"]
    assert (shown["role"], shown["identities"], shown["user_metadata"]) == ("", [], {"n": 1})
    assert project.mails(email) == []


def test_a_body_over_a_mebibyte_is_refused(project: Project) -> None:
    answer = project.call("POST", "/signup", content=b" " * (1024 * 1024 + 1))
    assert error(answer) == (413, "request_entity_too_large")


def test_a_password_opens_a_session_unless_the_user_is_banned(v1: Project) -> None:
    email = new_email()
    v1.sign_up(email)
    session = v1.sign_in(email)
    session_id = claims_of(session["access_token"])["session_id"]
    assert v1.rows(TOKENS_OF, session_id) == [(session["refresh_token"], False, None)]
    v1.admin("PUT", f"/admin/users/{session['user']['id']}", {"ban_duration": "1h"})
    banned = v1.post("/token?grant_type=password", {"email": email, "password": "wrong"})
    assert error(banned) == (400, "user_banned")


def test_a_refresh_spends_the_token_and_makes_a_child(v1: Project) -> None:
    old = v1.sign_up()["refresh_token"]
    answer = v1.refresh(old)
    new = answer.json()["refresh_token"]
    assert (answer.headers[steps.REUSE], len(old), len(new)) == ("false", 12, 12)
    session_id = answer.headers["sb-auth-session-id"]
    assert v1.rows(TOKENS_OF, session_id) == [(old, True, None), (new, False, old)]


def test_a_lost_answer_is_given_again_at_any_age(v1: Project) -> None:
    old, current = steps.chain(v1, 2)
    v1.clock.advance(86_400)
    answer = v1.refresh(old)
    assert (answer.json()["refresh_token"], answer.headers.get(steps.REUSE)) == (current, None)
    session_id = answer.headers["sb-auth-session-id"]
    assert v1.rows(TOKENS_OF, session_id) == [(old, True, None), (current, False, old)]


def test_an_old_token_revokes_the_family_and_keeps_the_session(v1: Project) -> None:
    tokens = steps.chain(v1, 3)
    access = v1.refresh(tokens[1]).json()["access_token"]
    for token in tokens:
        assert error(v1.refresh(token)) == (400, "refresh_token_already_used")
    assert all(row[1] for row in v1.rows(TOKENS_OF, claims_of(access)["session_id"]))
    assert v1.get("/user", access).status_code == 200


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("sessions_timebox", "Session Expired"),
        ("sessions_inactivity_timeout", "Session Expired (Inactivity)"),
    ],
)
def test_a_session_over_its_limit_is_refused_not_ended(project: Project, setting: str, why: str) -> None:
    project.set(**{setting: "1m"})
    session = project.sign_up()
    project.clock.advance(61)
    refused = project.refresh(session["refresh_token"])
    assert error(refused) == (400, "session_expired")
    assert refused.json()["msg"] == f"Invalid Refresh Token: {why}"
    assert project.get("/user", session["access_token"]).status_code == 200


def test_a_single_session_is_the_newest(project: Project) -> None:
    project.set(sessions_single_per_user=True)
    email = new_email()
    older = project.sign_up(email)
    project.clock.advance(1)
    newer = project.sign_in(email)
    refused = project.refresh(older["refresh_token"])
    assert error(refused) == (400, "session_expired")
    assert refused.json()["msg"].endswith("Session Expired (Revoked by Newer Login)")
    assert project.refresh(newer["refresh_token"]).status_code == 200


def test_the_31st_token_request_of_a_burst_is_refused(project: Project) -> None:
    project.set(rate_limit_header="X-Client")

    def burst(**headers: str) -> list[int]:
        grants = ["password", "refresh_token", "pkce"] * 10 + ["password"]  # one bucket for all of them
        answers = [project.post(f"/token?grant_type={grant}", {}, headers=headers) for grant in grants]
        return [answer.status_code for answer in answers]

    assert burst(**{"X-Client": f"{new_email()}, proxy"}) == [400] * 30 + [429]
    assert burst(**{"X-Client": new_email(), "X-Forwarded-For": "192.0.2.1"})[0] == 400
    assert burst(**{"X-Forwarded-For": "192.0.2.1"}) == [400] * 31


def test_a_pkce_link_leads_to_a_code_and_the_code_to_a_session(project: Project) -> None:
    _, mail = steps.waiting(project, **steps.PKCE)
    link = {"type": "signup", "token": mail["token_hash"]}
    code = steps.query(project.get("/verify", params=link).headers["location"])["code"]
    assert error(steps.exchange(project, "unknown", steps.VERIFIER)) == (404, "flow_state_not_found")
    assert error(steps.exchange(project, code, "w" * 50)) == (400, "bad_code_verifier")
    session = steps.exchange(project, code, steps.VERIFIER).json()
    assert "weak_password" not in session
    assert claims_of(session["access_token"])["amr"][0]["method"] == "email/signup"
    assert error(steps.exchange(project, code, steps.VERIFIER)) == (404, "flow_state_not_found")


def test_a_hook_that_removes_a_needed_claim(project: Project, install_hook: Install) -> None:
    email = new_email()
    token = project.sign_up(email)["refresh_token"]
    install_hook("drops_role", "event #- '{claims,role}'")
    credentials = {"email": email, "password": PASSWORD}
    for answer in (project.post("/token?grant_type=password", credentials), project.refresh(token)):
        assert error(answer) == (500, "unexpected_failure")


@pytest.mark.parametrize(("version", "requests"), [(2, 20), (2, 100), (1, 100)])
def test_many_refreshes_at_once_give_one_token(project: Project, version: int, requests: int) -> None:
    project.set(security_refresh_token_algorithm_version=version)
    session = project.sign_up()
    session_id = claims_of(session["access_token"])["session_id"]
    with ThreadPoolExecutor(requests) as pool:
        answers = list(pool.map(lambda _: project.refresh(session["refresh_token"]), range(requests)))
    assert [answer.status_code for answer in answers] == [200] * requests
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    if version == 2:  # the first one moves the counter, the others get what it got
        causes = [answer.headers.get(f"{steps.REUSE}-cause") for answer in answers]
        assert sorted(map(str, causes)) == ["None"] + ["concurrent-refresh,fail-to-save"] * (requests - 1)
    ((counter,),) = project.rows("select refresh_token_counter from auth.sessions where id = %s", session_id)
    assert (counter, len(project.rows(TOKENS_OF, session_id))) == ((1, 0) if version == 2 else (None, 2))


def test_the_token_before_the_current_one_is_forgiven_at_any_age(project: Project) -> None:
    old, current = steps.chain(project, 2)
    project.clock.advance(86_400 * 30)
    answer = project.refresh(old)
    assert answer.json()["refresh_token"] == current
    assert (answer.headers.get(steps.REUSE), answer.headers[f"{steps.REUSE}-cause"]) == (None, "fail-to-save")


@pytest.mark.parametrize("ends_session", [True, False])
def test_an_older_token_beyond_the_interval_is_misuse(project: Project, ends_session: bool) -> None:
    project.set(refresh_token_rotation_enabled=ends_session)
    tokens = steps.chain(project, 3)
    renewed = project.refresh(tokens[-1]).json()
    project.clock.advance(11)
    answer = project.refresh(tokens[0])
    assert error(answer) == (400, "refresh_token_already_used")
    assert answer.headers.get("sb-auth-refresh-token-rotated") == ("true" if ends_session else None)
    alive = (project.get("/user", renewed["access_token"]), project.refresh(renewed["refresh_token"]))
    if ends_session:
        assert [error(one) for one in alive] == [(403, "session_not_found"), (400, "refresh_token_not_found")]
    else:
        assert [one.status_code for one in alive] == [200, 200]


@pytest.mark.parametrize(
    ("scope", "statuses"),
    [("global", [403, 403]), ("", [403, 403]), ("local", [403, 200]), ("others", [200, 403])],
)
def test_a_logout_ends_its_scope(project: Project, scope: str, statuses: list[int]) -> None:
    _, tokens = steps.two_sessions(project)
    answer = project.post(f"/logout?scope={scope}" if scope else "/logout", token=tokens[0])
    assert (answer.status_code, answer.content) == (204, b"")
    assert [project.get("/user", token).status_code for token in tokens] == statuses


def test_a_new_password_leaves_the_calling_session_only(project: Project) -> None:
    email, tokens = steps.two_sessions(project)
    answer = project.put("/user", NEW_PASSWORD, tokens[0])
    assert (answer.status_code, "access_token" in answer.json()) == (200, False)
    assert [project.get("/user", token).status_code for token in tokens] == [200, 403]
    project.sign_in(email, NEW_PASSWORD["password"])


def test_after_a_day_a_new_password_needs_a_mailed_code(project: Project) -> None:
    project.set(security_update_password_require_reauthentication=True, jwt_exp=200_000)
    email = new_email()
    token = project.sign_up(email)["access_token"]
    assert project.put("/user", NEW_PASSWORD, token).status_code == 200
    project.clock.advance(86_401)
    wanted = {"password": "a third password"}
    assert error(project.put("/user", wanted, token)) == (400, "reauthentication_needed")
    assert project.get("/reauthenticate", token).json() == {}
    nonce = project.mails(email)[0]["code"]
    assert project.put("/user", {**wanted, "nonce": nonce}, token).status_code == 200


def test_recovery_answers_the_same_for_strangers_and_waits_a_minute(project: Project) -> None:
    email = new_email()
    project.sign_up(email)
    known, unknown = (project.post("/recover", {"email": address}) for address in (email, new_email()))
    assert [(one.status_code, one.json()) for one in (known, unknown)] == [(200, {}), (200, {})]
    project.clock.advance(59)
    answer = project.post("/recover", {"email": email})
    assert error(answer) == (429, "over_email_send_rate_limit")


def test_a_dead_link_redirects_and_a_dead_code_is_403(project: Project) -> None:
    email, mail = steps.waiting(project)
    by_code = {"type": "signup", "email": email, "token": steps.wrong(mail["code"])}
    by_hash = {"type": "signup", "token_hash": mail["token_hash"]}
    assert error(project.post("/verify", by_code)) == (403, "otp_expired")
    assert project.post("/verify", by_hash).status_code == 200
    assert error(project.post("/verify", by_hash)) == (403, "otp_expired")
    _, late = steps.waiting(project)
    project.clock.advance(601)
    answer = project.get("/verify", params={"type": "signup", "token": late["token_hash"]})
    assert (answer.status_code, answer.headers["location"].partition("#")[0]) == (303, steps.SITE)
    found = steps.fragment(answer.headers["location"])
    assert found.pop("error_description") == "Email link is invalid or has expired"
    assert found == {"error": "access_denied", "error_code": "otp_expired", "sb": ""}


def test_an_address_changes_after_both_confirmations(project: Project) -> None:
    old, new = new_email(), new_email()
    token = project.sign_up(old)["access_token"]
    project.put("/user", {"email": new}, token)
    first, second = (
        {"type": "email_change", "token_hash": project.mails(address)[0]["token_hash"]}
        for address in (old, new)
    )
    half = project.post("/verify", first).json()
    assert (half["code"], half["msg"]) == ("200", HALF_DONE)
    assert project.get("/user", token).json()["email"] == old
    assert error(project.post("/verify", first)) == (403, "otp_expired")
    assert project.post("/verify", second).json()["user"]["email"] == new
    project.sign_in(new)


def test_only_the_public_half_of_an_asymmetric_key_is_published(project: Project) -> None:
    """A symmetric key cannot even be made here."""
    headers = {"Authorization": f"Bearer {project.context.management_token}"}
    path = "/v1/projects/local/config/auth/signing-keys"
    refused = project.http.post(path, json={"algorithm": "HS256"}, headers=headers)
    assert (refused.status_code, "ES256" in refused.json()["message"]) == (400, True)
    answer = project.get("/.well-known/jwks.json", headers={"apikey": ""})
    assert answer.headers["cache-control"] == "public, max-age=600"
    (key,) = answer.json()["keys"]
    assert key.keys() == {"kty", "crv", "x", "y", "kid", "alg", "use", "key_ops"}
    assert (key["alg"], key["crv"], key["use"], key["key_ops"]) == ("ES256", "P-256", "sig", ["verify"])


def test_a_token_whose_session_is_gone_is_refused(project: Project) -> None:
    token = project.sign_up()["access_token"]
    project.rows("delete from auth.sessions where id = %s", claims_of(token)["session_id"])
    assert error(project.get("/user", token)) == (403, "session_not_found")


def test_administration_needs_a_bearer_pages_and_has_no_password_rules(project: Project) -> None:
    refused = project.get("/admin/users", headers={"Authorization": "Basic x"})
    assert error(refused) == (401, "no_authorization")
    tag = new_email().partition("@")[0]
    for number in range(2):
        body = {"email": f"{tag}-{number}@example.com", "password": "12345"}
        assert project.admin("POST", "/admin/users", body).status_code == 200
    headers = project.admin("GET", f"/admin/users?filter={tag}&per_page=1").headers
    rels = [link.partition("; ")[2] for link in headers["link"].split(", ")]
    assert (headers["x-total-count"], rels) == ("2", ['rel="next"', 'rel="last"'])


def test_the_api_version_chooses_the_shape_of_errors(project: Project) -> None:
    body, words = {"email": new_email(), "password": "wrong"}, "Invalid login credentials"
    older = project.post("/token?grant_type=password", body)
    newer = project.post("/token?grant_type=password", body, headers=API_VERSION)
    assert older.json() == {"code": 400, "error_code": "invalid_credentials", "msg": words}
    assert newer.json() == {"code": "invalid_credentials", "message": words}
    assert newer.headers["x-supabase-api-version"] == "2024-01-01"
    assert newer.headers["x-sb-error-code"] == older.headers["x-sb-error-code"] == "invalid_credentials"
