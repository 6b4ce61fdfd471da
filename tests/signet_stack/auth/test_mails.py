"""/recover, /resend, /otp, /reauthenticate: who gets which mail, how often, and what a stranger learns."""

from __future__ import annotations

from typing import Any

import pytest

from tests.signet_stack.auth.conftest import PASSWORD, Project, claims_of, error, new_email, refusal
from tests.signet_stack.auth.steps import signed, waiting, wrong

INVALID = (400, "validation_failed")
NO_PHONES = (400, "phone_provider_disabled", "Phone logins are disabled")
NO_SIGN_UP = (422, "otp_disabled", "Signups not allowed for otp")
WHICH = (*INVALID, "Missing one of these types: signup, email_change, sms, phone_change")
ONE_OF_TWO = (*INVALID, "One of email or phone must be set")
NOT_BOTH = (*INVALID, "Only an email address or phone number should be provided")
NO_CHANNEL = (*INVALID, "Channel should only be specified with Phone OTP")
HALF_PKCE = (*INVALID, "PKCE flow requires code_challenge_method and code_challenge")


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/recover", {}, (*INVALID, "Password recovery requires an email")),
        ("/recover", {"email": "no"}, (*INVALID, "Unable to validate email address: invalid format")),
        ("/resend", {}, WHICH),
        ("/resend", {"type": "recovery", "email": "a@b.c"}, WHICH),
        ("/resend", {"type": "signup"}, (*INVALID, "Type provided requires an email address")),
        ("/resend", {"type": "signup", "code_challenge": "x" * 43}, HALF_PKCE),
        ("/resend", {"type": "signup", "phone": "1"}, (*INVALID, "Type provided requires an email address")),
        ("/resend", {"type": "sms"}, (*INVALID, "Type provided requires a phone number")),
        ("/resend", {"type": "email_change"}, (*INVALID, "Missing email address or phone number")),
        (
            "/resend",
            {"type": "email_change", "email": "a@b.c", "phone": "1"},
            (*INVALID, "Only an email address or phone number should be provided."),
        ),
        ("/resend", {"type": "sms", "phone": "1"}, NO_PHONES),
        ("/resend", {"type": "phone_change", "phone": "1"}, NO_PHONES),
        ("/otp", {}, ONE_OF_TWO),
        ("/otp", {"email": "a@b.c", "phone": "1"}, NOT_BOTH),
        ("/otp", {"email": "a@b.c", "channel": "sms"}, NO_CHANNEL),
        ("/otp", {"phone": "1"}, (400, "phone_provider_disabled", "Unsupported phone provider")),
        ("/otp", {"code_challenge": "x" * 43}, HALF_PKCE),
        ("/otp", {"email": "nobody@b.c", "create_user": False}, NO_SIGN_UP),
        ("/magiclink", {"email": "nobody@b.c", "create_user": False}, NO_SIGN_UP),
    ],
)
def test_refusals(project: Project, path: str, body: dict[str, Any], expected: tuple[int, str, str]) -> None:
    assert refusal(project.post(path, body)) == expected


@pytest.mark.parametrize("path", ["/recover", "/otp", "/resend"])
def test_without_the_email_provider_no_mail_is_asked_for(project: Project, path: str) -> None:
    project.set(external_email_enabled=False)
    body = {"email": "no address", "type": "signup"}
    assert error(project.post(path, body)) == (400, "email_provider_disabled")


@pytest.mark.parametrize(
    ("path", "extra"),
    [("/recover", {}), ("/otp", {}), ("/resend", {"type": "signup"}), ("/resend", {"type": "email_change"})],
)
def test_a_second_mail_of_a_kind_waits_a_minute(project: Project, path: str, extra: dict[str, str]) -> None:
    email, _ = waiting(project)
    project.clock.advance(61)
    project.rows("update auth.users set email_change = %s where email = %s", new_email(), email)
    body = {"email": email, **extra}
    assert project.post(path, body).json() == {}
    project.clock.advance(59)
    answer = project.post(path, body)
    words = "For security purposes, you can only request this after 1 seconds."
    assert refusal(answer) == (429, "over_email_send_rate_limit", words)
    assert answer.headers["retry-after"] == "1"
    project.clock.advance(1)
    assert project.post(path, body).json() == {}


def test_kinds_of_mail_do_not_wait_for_each_other(project: Project) -> None:
    email = new_email()
    token = project.sign_up(email)["access_token"]
    assert project.post("/recover", {"email": email}).status_code == 200
    assert project.get("/reauthenticate", token).status_code == 200
    assert project.put("/user", {"email": new_email()}, token).status_code == 200
    kinds = {mail["kind"] for mail in project.mails(email)}
    assert kinds == {"recovery", "reauthentication", "email_change"}


def test_a_new_mail_voids_the_older_token(project: Project) -> None:
    email = new_email()
    project.sign_up(email)
    project.post("/recover", {"email": email})
    project.clock.advance(61)
    project.post("/recover", {"email": email})
    newer, older = project.mails(email)
    assert error(project.post("/verify", {"type": "recovery", "token_hash": older["token_hash"]})) == (
        403,
        "otp_expired",
    )
    assert project.post("/verify", {"type": "recovery", "token_hash": newer["token_hash"]}).status_code == 200


def test_a_confirmation_is_sent_again_only_where_one_is_due(project: Project) -> None:
    confirmed, waiting = new_email(), new_email()
    project.sign_up(confirmed)
    project.set(mailer_autoconfirm=False)
    project.post("/signup", {"email": waiting, "password": PASSWORD})
    project.clock.advance(61)
    for email in (confirmed, waiting, new_email()):
        assert project.post("/resend", {"type": "signup", "email": email}).json() == {}
    assert len(project.mails(confirmed)) == 0
    assert len(project.mails(waiting)) == 2


def test_a_magic_link_signs_in_and_makes_the_account(project: Project) -> None:
    email = new_email()
    assert project.post("/otp", {"email": email, "data": {"name": "A"}}).json() == {}
    (mail,) = project.mails(email)
    assert mail["kind"] == "magiclink"
    session = project.post("/verify", {"type": "email", "email": email, "token": mail["code"]}).json()
    assert session["user"]["user_metadata"]["name"] == "A"
    refused = project.post("/token?grant_type=password", {"email": email, "password": ""})
    assert error(refused) == (400, "invalid_credentials")


def test_a_magic_link_for_somebody_who_must_confirm_confirms(project: Project) -> None:
    email, _ = waiting(project)
    project.clock.advance(61)
    project.post("/otp", {"email": email})
    newer, older = project.mails(email)
    assert [newer["kind"], older["kind"]] == ["signup", "signup"]
    answer = project.post("/verify", {"type": "email", "email": email, "token": newer["code"]})
    assert answer.json()["user"]["email_confirmed_at"]


def test_without_autoconfirm_a_magic_link_for_a_new_address_confirms_it(project: Project) -> None:
    project.set(mailer_autoconfirm=False)
    email = new_email()
    project.post("/otp", {"email": email})
    (mail,) = project.mails(email)
    assert mail["kind"] == "signup"
    assert project.post("/verify", {"type": "signup", "token_hash": mail["token_hash"]}).status_code == 200


def test_a_magic_link_makes_no_account_where_sign_up_is_off(project: Project) -> None:
    project.set(disable_signup=True)
    assert error(project.post("/otp", {"email": new_email()})) == (422, "signup_disabled")


def test_the_link_goes_on_to_where_the_caller_wants_if_that_is_allowed(project: Project) -> None:
    email = new_email()
    project.sign_up(email)
    for target in ("http://127.0.0.1:8000/after?x=1", "https://evil.example/"):
        project.post("/recover", {"email": email}, params={"redirect_to": target})
        project.clock.advance(61)
    evil, good = project.mails(email)
    assert "&next=%2Fafter%3Fx%3D1" in good["link"]
    assert "evil" not in evil["link"]
    assert "next=" not in evil["link"]


def test_host_headers_do_not_reach_the_mail(project: Project) -> None:
    email = new_email()
    project.sign_up(email)
    headers = {"X-Forwarded-Host": "evil.example", "Origin": "https://evil.example"}
    project.post("/recover", {"email": email}, headers=headers)
    assert "evil" not in project.mails(email)[0]["text"]


def test_all_mails_together_have_a_limit(project: Project) -> None:
    project.set(mailer_autoconfirm=False, rate_limit_email_sent=2)
    answers = [project.post("/signup", {"email": new_email(), "password": PASSWORD}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert error(answers[2]) == (429, "over_email_send_rate_limit")
    project.clock.advance(1801)
    assert project.post("/signup", {"email": new_email(), "password": PASSWORD}).status_code == 200


def test_a_code_for_a_new_password_counts_once_and_only_the_right_one(project: Project) -> None:
    project.set(security_update_password_require_reauthentication=True, jwt_exp=200_000)
    email = new_email()
    token = project.sign_up(email)["access_token"]
    project.clock.advance(86_401)
    project.get("/reauthenticate", token)
    (mail,) = project.mails(email)
    assert (mail["kind"], mail["link"]) == ("reauthentication", "")
    answers = [
        project.put("/user", {"password": f"the {word} password", "nonce": nonce}, token)
        for word, nonce in (("next", wrong(mail["code"])), ("next", mail["code"]), ("third", mail["code"]))
    ]
    dead = (422, "reauthentication_not_valid", "Nonce has expired or is invalid")
    assert answers[1].status_code == 200
    assert [refusal(answers[0]), refusal(answers[2])] == [dead, dead]


def test_a_token_without_session_needs_a_code_at_any_age(project: Project) -> None:
    project.set(security_update_password_require_reauthentication=True)
    token = signed(project, sub=project.sign_up()["user"]["id"])
    answer = project.put("/user", {"password": "another password"}, token)
    words = "Password update requires reauthentication"
    assert refusal(answer) == (400, "reauthentication_needed", words)


def test_after_five_wrong_codes_the_right_one_proves_nothing(project: Project) -> None:
    project.set(security_update_password_require_reauthentication=True)
    email = new_email()
    token = signed(project, sub=project.sign_up(email)["user"]["id"])
    project.get("/reauthenticate", token)
    code = project.mails(email)[0]["code"]
    for nonce in [wrong(code)] * 5 + [code]:
        answer = project.put("/user", {"password": "another password", "nonce": nonce}, token)
        assert error(answer) == (422, "reauthentication_not_valid")


def test_reauthentication_needs_a_confirmed_address(project: Project) -> None:
    session = project.sign_up()
    project.rows("update auth.users set email_confirmed_at = null where id = %s", session["user"]["id"])
    assert error(project.get("/reauthenticate", session["access_token"])) == (422, "email_not_confirmed")


def test_a_recovery_session_may_set_a_password_without_the_present_one(project: Project) -> None:
    project.set(security_update_password_require_current_password=True)
    email = new_email()
    token = project.sign_up(email)["access_token"]
    wanted = {"password": "another password"}
    assert error(project.put("/user", wanted, token)) == (400, "current_password_required")
    guess = {**wanted, "current_password": "wrong"}
    words = "Current password required when setting new password."
    assert refusal(project.put("/user", guess, token)) == (400, "current_password_invalid", words)
    right = {"password": "the next password", "current_password": PASSWORD}
    assert project.put("/user", right, token).status_code == 200
    project.post("/recover", {"email": email})
    body = {"type": "recovery", "token_hash": project.mails(email)[0]["token_hash"]}
    recovered = project.post("/verify", body).json()["access_token"]
    assert claims_of(recovered)["amr"][0]["method"] == "otp"
    assert project.put("/user", wanted, recovered).status_code == 200
