"""Second factors by time-based codes: the cases that were run on the real server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from signet_stack.auth.mfa import totp
from tests.signet_stack.auth.conftest import PASSWORD, Project, claims_of, error, new_email, refusal
from tests.signet_stack.auth.steps import signed, wrong

UNKNOWN = "4f1f7a3e-2b66-4a9b-9b58-6f2f4f1b8a11"
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # "12345678901234567890"


@dataclass
class Person:
    """One account with a session, and what its authenticator app knows."""

    project: Project
    session: dict[str, Any]
    factor: dict[str, Any]

    @property
    def token(self) -> str:
        return str(self.session["access_token"])

    @property
    def email(self) -> str:
        return str(self.session["user"]["email"])

    def code(self, offset: int = 0) -> str:
        return totp(self.factor["totp"]["secret"], self.project.clock(), offset)

    def challenge(self, token: str | None = None, **kwargs: Any) -> str:
        answer = self.project.post(
            f"/factors/{self.factor['id']}/challenge", None, token or self.token, **kwargs
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def verify(self, code: str | None = None, token: str | None = None, **body: Any) -> httpx.Response:
        """Answer a new challenge, or one that is given, with the right code or another one."""
        sent = {"code": self.code() if code is None else code, **body}
        if "challenge_id" not in sent:
            sent["challenge_id"] = self.challenge(token)
        return self.project.post(f"/factors/{self.factor['id']}/verify", sent, token or self.token)

    def raised(self) -> Person:
        answer = self.verify()
        assert answer.status_code == 200, answer.text
        self.session = answer.json()
        return self


def enrolled(project: Project, token: str, **body: Any) -> dict[str, Any]:
    answer = project.post("/factors", {"factor_type": "totp", **body}, token)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.fixture
def ada(project: Project) -> Person:
    """Return somebody with an unverified factor."""
    session = project.sign_up()
    return Person(project, session, enrolled(project, session["access_token"]))


@pytest.mark.parametrize(
    ("seconds", "code"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")]
)
def test_codes_are_those_of_rfc_6238(project: Project, seconds: int, code: str) -> None:
    at = project.clock().fromtimestamp(seconds, project.clock().tzinfo)
    assert totp(RFC_SECRET, at) == code


def test_enrolment_gives_secret_address_and_code(ada: Person) -> None:
    assert {k: ada.factor[k] for k in ("type", "friendly_name")} == {"type": "totp", "friendly_name": ""}
    secret, uri = ada.factor["totp"]["secret"], ada.factor["totp"]["uri"]
    assert len(secret) == 32
    parts = urlsplit(uri)
    assert (parts.scheme, parts.netloc, parts.path) == ("otpauth", "totp", f"/127.0.0.1:8000:{ada.email}")
    assert list(parse_qs(parts.query).items()) == [
        ("algorithm", ["SHA1"]),
        ("digits", ["6"]),
        ("issuer", ["127.0.0.1:8000"]),
        ("period", ["30"]),
        ("secret", [secret]),
    ]
    assert ada.factor["totp"]["qr_code"].startswith("<?xml")
    assert "<svg" in ada.factor["totp"]["qr_code"]
    (factor,) = ada.project.get("/user", ada.token).json()["factors"]
    assert (factor["id"], factor["status"], factor["factor_type"]) == (ada.factor["id"], "unverified", "totp")
    assert "secret" not in factor
    assert "friendly_name" not in factor


def test_a_friendly_name_is_taken_once_and_stale_factors_go(ada: Person) -> None:
    project = ada.project
    again = project.post("/factors", {"factor_type": "totp"}, ada.token)
    assert error(again) == (422, "mfa_factor_name_conflict")
    enrolled(project, ada.token, friendly_name="phone")
    project.clock.advance(301)
    enrolled(project, ada.token)
    assert [f.get("friendly_name") for f in project.get("/user", ada.token).json()["factors"]] == [None]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"factor_type": "phone"}, (422, "mfa_phone_enroll_not_enabled")),
        ({"factor_type": "webauthn"}, (422, "mfa_webauthn_enroll_not_enabled")),
        ({"factor_type": "sms"}, (400, "validation_failed")),
        ({}, (400, "validation_failed")),
    ],
)
def test_refused_enrolments(project: Project, body: dict[str, Any], expected: tuple[int, str]) -> None:
    token = project.sign_up()["access_token"]
    assert error(project.post("/factors", body, token)) == expected
    assert error(project.admin("POST", "/factors", {"factor_type": "totp"})) == (403, "bad_jwt")
    assert error(project.post("/factors", {"factor_type": "totp"})) == (403, "bad_jwt")


def test_challenges(ada: Person) -> None:
    project, path = ada.project, f"/factors/{ada.factor['id']}/challenge"
    answer = project.post(path, None, ada.token).json()
    assert answer["type"] == "totp"
    assert answer["expires_at"] == int(project.clock().timestamp()) + 300
    assert error(project.post("/factors/zz/challenge", {}, ada.token)) == (404, "validation_failed")
    other = project.sign_up()["access_token"]
    assert error(project.post(path, {}, other)) == (404, "mfa_factor_not_found")
    (factor,) = project.get("/user", ada.token).json()["factors"]
    assert factor["last_challenged_at"] is not None


def test_verification_raises_the_session_and_ends_those_below(ada: Person) -> None:
    project = ada.project
    other = project.sign_in(ada.email)
    enrolled(project, ada.token, friendly_name="spare")
    before = claims_of(ada.token)
    answer = ada.verify()
    assert answer.status_code == 200, answer.text
    assert "sb-auth-session-id" not in answer.headers
    assert "weak_password" not in answer.json()
    claims = claims_of(answer.json()["access_token"])
    assert (claims["aal"], claims["session_id"]) == ("aal2", before["session_id"])
    assert {entry["method"] for entry in claims["amr"]} == {"password", "totp"}
    assert len(answer.json()["user"]["factors"]) == 2  # the state before the deletions
    assert error(project.get("/user", other["access_token"])) == (403, "session_not_found")
    assert error(project.refresh(other["refresh_token"])) == (400, "refresh_token_not_found")
    (factor,) = project.get("/user", answer.json()["access_token"]).json()["factors"]
    assert (factor["id"], factor["status"]) == (ada.factor["id"], "verified")
    assert project.rows(
        "select refresh_token_counter, aal::text, factor_id::text from auth.sessions where id = %s",
        claims["session_id"],
    ) == [(2, "aal2", ada.factor["id"])]


def test_refused_verifications(ada: Person) -> None:
    right = ada.code()
    assert error(ada.verify("")) == (400, "validation_failed")
    assert error(ada.verify(wrong(right))) == (422, "mfa_verification_failed")
    assert error(ada.verify("12345")) == (422, "mfa_verification_failed")
    assert error(ada.verify(challenge_id="zz")) == (400, "bad_json")
    assert error(ada.verify(challenge_id=UNKNOWN)) == (422, "mfa_factor_not_found")
    assert error(ada.verify(challenge_id=None)) == (422, "mfa_factor_not_found")
    elsewhere = ada.challenge(headers={"X-Forwarded-For": "192.0.2.9"})
    assert error(ada.verify(challenge_id=elsewhere)) == (422, "mfa_ip_address_mismatch")
    challenge_id = ada.challenge()
    assert ada.verify(f" {right} ", challenge_id=challenge_id).status_code == 200
    assert error(ada.verify(challenge_id=challenge_id)) == (422, "mfa_ip_address_mismatch")


@pytest.mark.parametrize(("offset", "status"), [(-2, 422), (2, 422), (-1, 200), (1, 200), (0, 200)])
def test_codes_of_the_steps_beside_the_present_one_pass(ada: Person, offset: int, status: int) -> None:
    assert ada.verify(ada.code(offset)).status_code == status


def test_a_code_passes_again_with_a_new_challenge(ada: Person) -> None:
    code = ada.raised().code()
    assert ada.verify(code).status_code == 200


def test_an_expired_challenge_is_deleted(ada: Person) -> None:
    challenge_id = ada.challenge()
    ada.project.clock.advance(301)
    answer = ada.verify(challenge_id=challenge_id)
    assert error(answer) == (422, "mfa_challenge_expired")
    assert challenge_id in answer.json()["msg"]
    assert error(ada.verify(challenge_id=challenge_id)) == (422, "mfa_factor_not_found")


def test_wrong_codes_do_not_lock_a_challenge(ada: Person) -> None:
    challenge_id = ada.challenge()
    for _ in range(12):
        assert ada.verify(wrong(ada.code()), challenge_id=challenge_id).status_code == 422
    assert ada.verify(challenge_id=challenge_id).status_code == 200


def test_a_refresh_keeps_the_level_and_a_new_login_starts_below(ada: Person) -> None:
    project = ada.raised().project
    refreshed = project.refresh(ada.session["refresh_token"]).json()
    assert claims_of(refreshed["access_token"])["aal"] == "aal2"
    login = project.sign_in(ada.email)
    claims = claims_of(login["access_token"])
    assert (claims["aal"], [entry["method"] for entry in claims["amr"]]) == ("aal1", ["password"])
    assert login["user"]["factors"][0]["status"] == "verified"


@pytest.mark.parametrize("version", [1, 2])
def test_the_refresh_token_of_before_the_verification(project: Project, version: int) -> None:
    project.set(security_refresh_token_algorithm_version=version, security_refresh_token_reuse_interval=0)
    session = project.sign_up()
    ada = Person(project, session, enrolled(project, session["access_token"])).raised()
    project.clock.advance(20)
    answer = project.refresh(session["refresh_token"])
    if version == 1:
        assert answer.json()["refresh_token"] == ada.session["refresh_token"]
        assert claims_of(answer.json()["access_token"])["aal"] == "aal2"
    else:
        assert error(answer) == (400, "refresh_token_already_used")
        assert error(project.get("/user", ada.token)) == (403, "session_not_found")


def test_below_the_second_factor_little_can_be_changed(ada: Person) -> None:
    project = ada.raised().project
    low = project.sign_in(ada.email)["access_token"]
    path = f"/factors/{ada.factor['id']}"
    named = {"factor_type": "totp", "friendly_name": "new"}
    assert error(project.post("/factors", named, low)) == (403, "insufficient_aal")
    assert error(project.post("/factors", {"factor_type": "totp"}, low)) == (422, "mfa_factor_name_conflict")
    assert error(project.call("DELETE", path, low)) == (422, "insufficient_aal")
    assert error(project.put("/user", {"password": "another password"}, low)) == (401, "insufficient_aal")
    assert error(project.put("/user", {"email": new_email()}, low)) == (401, "insufficient_aal")
    assert error(project.put("/user", {"password": "x"}, low)) == (422, "weak_password")
    assert project.put("/user", {"data": {"a": 1}}, low).status_code == 200
    assert project.put("/user", {"email": ada.email}, low).status_code == 200
    assert project.put("/user", {"password": "another password"}, ada.token).status_code == 200


def test_the_session_decides_about_the_level_not_the_token(ada: Person) -> None:
    low = ada.token
    project = ada.raised().project
    assert claims_of(low)["aal"] == "aal1"
    assert project.put("/user", {"password": "another password"}, low).status_code == 200


def test_removal_takes_the_level_from_every_session_and_ends_none(ada: Person) -> None:
    project = ada.raised().project
    second = project.sign_in(ada.email)
    other = Person(project, second, ada.factor).raised()
    path = f"/factors/{ada.factor['id']}"
    assert project.call("DELETE", path, ada.token).json() == {"id": ada.factor["id"]}
    claims = claims_of(project.refresh(other.session["refresh_token"]).json()["access_token"])
    assert (claims["aal"], [entry["method"] for entry in claims["amr"]]) == ("aal1", ["password"])
    assert error(project.call("DELETE", path, ada.token)) == (404, "mfa_factor_not_found")


def test_only_the_last_verified_factor_of_a_session_counts(ada: Person) -> None:
    project = ada.raised().project
    spare = enrolled(project, ada.token, friendly_name="spare")
    last = Person(project, ada.session, spare).raised()
    assert project.call("DELETE", f"/factors/{ada.factor['id']}", last.token).status_code == 200
    refreshed = project.refresh(last.session["refresh_token"]).json()
    assert claims_of(refreshed["access_token"])["aal"] == "aal2"
    assert project.call("DELETE", f"/factors/{spare['id']}", refreshed["access_token"]).status_code == 200
    refreshed = project.refresh(refreshed["refresh_token"]).json()
    assert claims_of(refreshed["access_token"])["aal"] == "aal1"


def test_the_number_of_factors_is_limited(project: Project) -> None:
    project.set(mfa_max_enrolled_factors=2)
    token = project.sign_up()["access_token"]
    for name in ("a", "b"):
        enrolled(project, token, friendly_name=name)
    answer = project.post("/factors", {"factor_type": "totp", "friendly_name": "c"}, token)
    assert error(answer) == (422, "too_many_enrolled_mfa_factors")


def test_a_recovery_does_not_pass_the_second_factor(ada: Person) -> None:
    project = ada.raised().project
    project.post("/recover", {"email": ada.email})
    token_hash = project.mails(ada.email)[0]["token_hash"]
    session = project.post("/verify", {"type": "recovery", "token_hash": token_hash}).json()
    assert claims_of(session["access_token"])["aal"] == "aal1"
    new = {"password": "another password"}
    assert error(project.put("/user", new, session["access_token"])) == (401, "insufficient_aal")
    raised = Person(project, {**session, "user": session["user"]}, ada.factor).raised()
    assert project.put("/user", new, raised.token).status_code == 200


def test_administrators_list_rename_and_remove_factors(ada: Person) -> None:
    project = ada.project
    user = ada.session["user"]["id"]
    path = f"/admin/users/{user}/factors"
    assert [factor["id"] for factor in project.admin("GET", path).json()] == [ada.factor["id"]]
    ada.raised()
    change = {"friendly_name": "x", "status": "unverified"}
    renamed = project.admin("PUT", f"{path}/{ada.factor['id']}", change)
    assert (renamed.json()["friendly_name"], renamed.json()["status"]) == ("x", "verified")
    enrolled(project, ada.token)
    assert project.admin("GET", f"{path}/{ada.factor['id']}").status_code == 405
    assert error(project.admin("DELETE", f"{path}/{UNKNOWN}")) == (404, "mfa_factor_not_found")
    assert error(project.admin("DELETE", f"{path}/zz")) == (404, "validation_failed")
    assert project.admin("DELETE", f"{path}/{ada.factor['id']}").json()["status"] == "verified"
    refreshed = project.refresh(ada.session["refresh_token"]).json()
    assert claims_of(refreshed["access_token"])["aal"] == "aal1"
    assert error(project.get(path, ada.token)) == (403, "not_admin")


def test_administrative_changes_of_the_account(ada: Person) -> None:
    project, path = ada.raised().project, f"/admin/users/{ada.session['user']['id']}"
    assert project.admin("PUT", path, {"password": PASSWORD}).json()["factors"][0]["status"] == "verified"
    assert error(project.get("/user", ada.token)) == (403, "session_not_found")
    project.admin("DELETE", path, {"should_soft_delete": True})
    assert project.rows("select from auth.mfa_factors where id = %s", ada.factor["id"]) == []


def test_factors_switched_off(ada: Person) -> None:
    project, path = ada.project, f"/factors/{ada.factor['id']}"
    challenge_id = ada.challenge()
    project.set(mfa_totp_enroll_enabled=False, mfa_totp_verify_enabled=False)
    off = {"factor_type": "totp", "friendly_name": "new"}
    assert error(project.post("/factors", off, ada.token)) == (422, "mfa_totp_enroll_not_enabled")
    assert error(project.post(f"{path}/challenge", {}, ada.token)) == (422, "mfa_totp_verify_not_enabled")
    assert error(ada.verify(challenge_id=challenge_id)) == (422, "mfa_totp_verify_not_enabled")
    assert project.call("DELETE", path, ada.token).status_code == 200


def test_challenges_and_codes_have_limits_of_their_own(ada: Person) -> None:
    project, caller = ada.project, {"X-Client": new_email()}
    project.set(rate_limit_header="X-Client")
    path = f"/factors/{ada.factor['id']}"
    answers = [project.post(f"{path}/challenge", {}, ada.token, headers=caller) for _ in range(31)]
    assert [answer.status_code for answer in answers] == [*[200] * 30, 429]
    verified = project.post(f"{path}/verify", {"code": "1"}, ada.token, headers=caller)
    assert verified.status_code == 422


NOTICES = {
    "password_changed": "Your password was changed",
    "mfa_factor_enrolled": "A new verification method was added to your account",
    "mfa_factor_unenrolled": "A verification method was removed from your account",
}


@pytest.mark.parametrize("is_on", [True, False])
def test_notices_of_password_and_factors(ada: Person, is_on: bool) -> None:
    project = ada.project
    project.set(**{f"mailer_notifications_{kind}_enabled": is_on for kind in NOTICES})
    ada.raised()
    project.clock.advance(1)
    project.put("/user", {"password": "another password"}, ada.token)
    project.clock.advance(1)
    project.call("DELETE", f"/factors/{ada.factor['id']}", ada.token)
    subjects = [mail["subject"] for mail in project.mails(ada.email)]
    order = ("mfa_factor_unenrolled", "password_changed", "mfa_factor_enrolled")
    assert subjects == ([NOTICES[kind] for kind in order] if is_on else [])
    project.admin("PUT", f"/admin/users/{ada.session['user']['id']}", {"password": PASSWORD})
    assert len(project.mails(ada.email)) == len(subjects)


def test_the_notice_of_a_new_address_goes_to_the_old_one(project: Project) -> None:
    project.set(mailer_notifications_email_changed_enabled=True, mailer_secure_email_change_enabled=False)
    old, new = new_email(), new_email()
    token = project.sign_up(old)["access_token"]
    assert project.put("/user", {"email": new}, token).status_code == 200
    mail = project.mails(new)[0]
    assert project.mails(old) == []
    answer = project.post("/verify", {"type": "email_change", "token_hash": mail["token_hash"]})
    assert answer.status_code == 200, answer.text
    (notice,) = project.mails(old)
    assert notice["subject"] == "Your email address was changed"
    assert old in notice["text"]
    assert new in notice["text"]


def test_an_invalid_factor_of_a_token_without_session(project: Project) -> None:
    """A token that another program signed with the project's key, without a session."""
    session = project.sign_up()
    claims = {k: v for k, v in claims_of(session["access_token"]).items() if k != "session_id"}
    expires = int((project.clock() + timedelta(hours=1)).timestamp())
    token = signed(project, **{**claims, "exp": expires})
    assert refusal(project.post("/factors", {"factor_type": "totp"}, token))[:2] == (400, "validation_failed")
