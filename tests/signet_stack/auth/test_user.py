"""GET and PUT /user, POST /logout."""

from __future__ import annotations

from typing import Any

import pytest

from tests.signet_stack.auth.conftest import PASSWORD, Project, claims_of, error, new_email, refusal
from tests.signet_stack.auth.steps import signed


def test_logout_with_an_unknown_scope_ends_nothing(project: Project) -> None:
    token = project.sign_up()["access_token"]
    assert error(project.post("/logout?scope=all", token=token)) == (400, "validation_failed")
    assert project.get("/user", token).status_code == 200


def test_a_second_logout_finds_no_session(project: Project) -> None:
    session = project.sign_up()
    project.post("/logout", token=session["access_token"])
    assert error(project.post("/logout", token=session["access_token"])) == (403, "session_not_found")
    assert error(project.refresh(session["refresh_token"])) == (400, "refresh_token_not_found")


def test_a_token_without_session_logs_out_everywhere(project: Project) -> None:
    session = project.sign_up()
    token = signed(project, sub=session["user"]["id"])
    assert project.post("/logout?scope=local", token=token).status_code == 204
    assert project.get("/user", session["access_token"]).status_code == 403


def test_a_new_password_voids_what_was_mailed(project: Project) -> None:
    email = new_email()
    token = project.sign_up(email)["access_token"]
    project.post("/recover", {"email": email})
    project.put("/user", {"password": "another password"}, token)
    body = {"type": "recovery", "token_hash": project.mails(email)[0]["token_hash"]}
    assert error(project.post("/verify", body)) == (403, "otp_expired")


def test_a_new_password_without_session_ends_every_session(project: Project) -> None:
    session = project.sign_up()
    token = signed(project, sub=session["user"]["id"])
    assert project.put("/user", {"password": "another password"}, token).status_code == 200
    assert error(project.get("/user", session["access_token"])) == (403, "session_not_found")


SAME = (422, "same_password", "New password should be different from the old password.")
WEAK = (422, "weak_password", "Password should be at least 8 characters.")
NOT_ADMIN = (403, "not_admin", "Updating app_metadata requires admin privileges")
BAD_EMAIL = (400, "validation_failed", "Unable to validate email address: invalid format")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"password": PASSWORD}, SAME),
        ({"password": ""}, WEAK),
        ({"password": "short"}, WEAK),
        ({"password": "x" * 73}, (400, "validation_failed", "Password cannot be longer than 72 characters")),
        ({"app_metadata": {"admin": True}}, NOT_ADMIN),
        ({"email": "no address"}, BAD_EMAIL),
        ({"phone": "12345"}, (400, "phone_provider_disabled", "Phone numbers are not supported")),
    ],
)
def test_refused_changes(project: Project, change: dict[str, Any], expected: tuple[int, str, str]) -> None:
    assert refusal(project.put("/user", change, project.sign_up()["access_token"])) == expected


def test_a_new_password_is_judged_before_anything_else(project: Project) -> None:
    email = new_email()
    token = project.sign_up(email)["access_token"]
    project.set(password_min_length=40, security_update_password_require_reauthentication=True)
    change = {"password": PASSWORD, "email": email, "app_metadata": {"admin": True}}
    words = "Password should be at least 40 characters."
    assert refusal(project.put("/user", change, token)) == (422, "weak_password", words)


def test_an_administrator_may_change_app_metadata(project: Project) -> None:
    user_id = project.sign_up()["user"]["id"]
    token = signed(project, sub=user_id, role="service_role")
    changed = project.put("/user", {"app_metadata": {"plan": "gold"}}, token).json()
    assert changed["app_metadata"] == {"provider": "email", "providers": ["email"], "plan": "gold"}


@pytest.mark.parametrize("change", [{"password": "another password"}, {"email": "new@example.com"}])
def test_a_single_sign_on_user_changes_elsewhere(project: Project, change: dict[str, str]) -> None:
    session = project.sign_up()
    project.rows("update auth.users set is_sso_user = true where id = %s", session["user"]["id"])
    assert error(project.put("/user", change, session["access_token"])) == (422, "user_sso_managed")


def test_an_anonymous_user_needs_an_address_before_a_password(project: Project) -> None:
    session = project.sign_up()
    anonymous = "update auth.users set is_anonymous = true, email = null where id = %s"
    project.rows(anonymous, session["user"]["id"])
    answer = project.put("/user", {"password": "another password"}, session["access_token"])
    assert error(answer) == (422, "validation_failed")


def test_metadata_is_merged_and_null_deletes(project: Project) -> None:
    token = project.sign_up()["access_token"]
    project.put("/user", {"data": {"a": 1, "b": {"c": 2}}}, token)
    user = project.put("/user", {"data": {"a": None, "d": 3}}, token).json()
    kept = user["user_metadata"]
    assert "a" not in kept
    assert (kept["b"], kept["d"], kept["email_verified"]) == ({"c": 2}, 3, True)


def test_a_confirmation_before_mails_were_sent_again_does_not_count(project: Project) -> None:
    old, new = new_email(), new_email()
    token = project.sign_up(old)["access_token"]
    project.put("/user", {"email": new}, token)
    for _ in range(2):
        body = {"type": "email_change", "token_hash": project.mails(old)[0]["token_hash"]}
        assert "msg" in project.post("/verify", body).json()
        project.clock.advance(61)
        project.post("/resend", {"type": "email_change", "email": old})
    assert project.get("/user", token).json()["email"] == old


def test_a_link_of_a_change_says_that_the_other_one_is_missing(project: Project) -> None:
    old, new = new_email(), new_email()
    project.put("/user", {"email": new}, project.sign_up(old)["access_token"])
    parameters = {"type": "email_change", "token": project.mails(new)[0]["token_hash"]}
    location = project.get("/verify", params=parameters).headers["location"]
    assert "#message=Confirmation+link+accepted" in location


def test_both_mails_of_a_change_name_both_addresses(project: Project) -> None:
    old, new = new_email(), new_email()
    project.put("/user", {"email": new}, project.sign_up(old)["access_token"])
    for address in (old, new):
        assert f"from {old} to {new}." in project.mails(address)[0]["text"]


def test_without_secure_change_the_new_address_confirms_alone(project: Project) -> None:
    project.set(mailer_secure_email_change_enabled=False)
    old, new = new_email(), new_email()
    project.put("/user", {"email": new}, project.sign_up(old)["access_token"])
    assert project.mails(old) == []
    body = {"type": "email_change", "email": new, "token": project.mails(new)[0]["code"]}
    assert project.post("/verify", body).json()["user"]["email"] == new


def test_a_taken_address_is_refused_at_once_and_at_the_end(project: Project) -> None:
    project.set(mailer_secure_email_change_enabled=False)
    taken, wanted = new_email(), new_email()
    project.sign_up(taken)
    token = project.sign_up()["access_token"]
    refused = project.put("/user", {"email": taken}, token)
    words = "A user with this email address has already been registered"
    assert refusal(refused) == (422, "email_exists", words)
    project.put("/user", {"email": wanted}, token)
    project.sign_up(wanted)
    body = {"type": "email_change", "token_hash": project.mails(wanted)[0]["token_hash"]}
    assert error(project.post("/verify", body)) == (422, "email_exists")


def test_a_token_keeps_its_claims_until_the_next_refresh(project: Project) -> None:
    session = project.sign_up()
    project.put("/user", {"data": {"name": "A"}}, session["access_token"])
    renewed = project.refresh(session["refresh_token"]).json()["access_token"]
    assert "name" not in claims_of(session["access_token"])["user_metadata"]
    assert claims_of(renewed)["user_metadata"]["name"] == "A"
