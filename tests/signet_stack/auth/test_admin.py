"""/admin/users, /admin/generate_link, /invite."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlsplit

import bcrypt
import pytest

from tests.signet_stack.auth.conftest import PASSWORD, Project, claims_of, error, new_email, refusal
from tests.signet_stack.auth.steps import created, signed, waiting


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/admin/users"),
        ("POST", "/admin/users"),
        ("GET", "/admin/users/x"),
        ("PUT", "/admin/users/x"),
        ("DELETE", "/admin/users/x"),
        ("POST", "/admin/generate_link"),
        ("POST", "/invite"),
    ],
)
def test_only_administrators_are_let_in(project: Project, method: str, path: str) -> None:
    assert error(project.call(method, path)) == (403, "not_admin")
    assert error(project.call(method, path, project.sign_up()["access_token"])) == (403, "not_admin")
    assert error(project.call(method, path, headers={"Authorization": "Basic x"})) == (
        401,
        "no_authorization",
    )


def test_a_session_that_an_administrators_token_names_must_live(project: Project) -> None:
    project.set(sessions_timebox=60)
    session_id = claims_of(project.sign_up()["access_token"])["session_id"]
    token = signed(project, role="service_role", session_id=session_id)
    assert project.get("/admin/users", token).status_code == 200
    project.clock.advance(61)
    assert error(project.get("/admin/users", token)) == (403, "session_expired")
    project.rows("delete from auth.sessions where id = %s", session_id)
    assert error(project.get("/admin/users", token)) == (403, "session_not_found")


def test_an_account_is_made_without_rules_on_passwords_and_without_mail(project: Project) -> None:
    project.set(disable_signup=True, mailer_autoconfirm=False)
    user = created(project, password="12345", user_metadata={"a": 1}, app_metadata={"b": 2})
    assert user["user_metadata"] == {"a": 1}
    assert user["app_metadata"] == {"provider": "email", "providers": ["email"], "b": 2}
    assert "email_confirmed_at" not in user
    assert project.mails(user["email"]) == []


@pytest.mark.parametrize("account", [{}, {"password": ""}])
def test_without_a_password_nobody_can_guess_the_one_that_is_made(
    project: Project, account: dict[str, str]
) -> None:
    user = created(project, email_confirm=True, **account)
    ((hashed,),) = project.rows("select encrypted_password from auth.users where id = %s", user["id"])
    assert hashed.startswith("$2b$")
    refused = project.post("/token?grant_type=password", {"email": user["email"], "password": ""})
    assert error(refused) == (400, "invalid_credentials")


def test_a_confirmed_account_signs_in_with_password_or_hash(project: Project) -> None:
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4, b"2a")).decode()
    for secret in ({"password": PASSWORD}, {"password_hash": hashed}):
        user = created(project, email_confirm=True, **secret)
        assert user["user_metadata"]["email_verified"] is True
        project.sign_in(user["email"])


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        ({"email": ""}, (400, "validation_failed")),
        ({"password": "a", "password_hash": "b"}, (400, "validation_failed")),
        ({"password_hash": "$argon2id$v=19$m=1,t=1,p=1$YQ$YQ"}, (400, "validation_failed")),
        ({"password": "x" * 73}, (400, "validation_failed")),
        ({"id": "not a uuid"}, (400, "validation_failed")),
        ({"ban_duration": "for ever"}, (400, "validation_failed")),
        ({"ban_duration": "9999999999h"}, (400, "validation_failed")),
        ({"phone": "123"}, (400, "phone_provider_disabled")),
    ],
)
def test_refused_accounts(project: Project, account: dict[str, Any], expected: tuple[int, str]) -> None:
    answer = project.admin("POST", "/admin/users", {"email": new_email(), **account})
    assert error(answer) == expected


def test_an_address_or_an_id_that_is_taken_is_refused(project: Project) -> None:
    user = created(project)
    assert error(project.admin("POST", "/admin/users", {"email": user["email"]})) == (422, "email_exists")
    again = {"email": new_email(), "id": user["id"]}
    assert error(project.admin("POST", "/admin/users", again)) == (400, "validation_failed")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_accounts_that_do_not_exist(project: Project, method: str) -> None:
    assert error(project.admin(method, "/admin/users/alice", {})) == (404, "validation_failed")
    unknown = project.admin(method, f"/admin/users/{uuid.uuid4()}", {})
    assert error(unknown) == (404, "user_not_found")


def test_the_list_has_pages_links_and_a_total(project: Project) -> None:
    tag = uuid.uuid4().hex
    for number in range(3):
        project.clock.advance(1)
        created(project, email=f"{tag}-{number}@example.com")
    answer = project.admin("GET", f"/admin/users?filter={tag}&per_page=2")
    assert [user["email"][-13:-12] for user in answer.json()["users"]] == ["2", "1"]
    assert answer.json()["users"][0]["identities"] is None
    assert answer.json()["aud"] == "authenticated"
    assert answer.headers["x-total-count"] == "3"
    page = f"</admin/users?filter={tag}&page=2&per_page=2>"
    assert answer.headers["link"] == f'{page}; rel="next", {page}; rel="last"'
    last = project.admin("GET", f"/admin/users?filter={tag}&per_page=2&page=2&sort=created_at asc")
    assert [user["email"][-13:-12] for user in last.json()["users"]] == ["2"]
    assert 'rel="next"' not in last.headers["link"]


@pytest.mark.parametrize("query", ["page=0", "page=x", "per_page=-1", "sort=email", "page=" + "9" * 30])
def test_bad_paging_is_refused(project: Project, query: str) -> None:
    assert error(project.admin("GET", f"/admin/users?{query}")) == (400, "validation_failed")


def test_a_new_password_set_by_an_administrator_ends_every_session(project: Project) -> None:
    session = project.sign_up()
    path = f"/admin/users/{session['user']['id']}"
    assert error(project.admin("PUT", path, {"password": "short"})) == (422, "weak_password")
    assert project.admin("PUT", path, {"password": "another password"}).status_code == 200
    assert project.get("/user", session["access_token"]).status_code == 403
    project.sign_in(session["user"]["email"], "another password")


def test_an_administrator_changes_address_role_and_metadata_at_once(project: Project) -> None:
    user, email = created(project, app_metadata={"plan": "free"}), new_email()
    changed = project.admin(
        "PUT",
        f"/admin/users/{user['id']}",
        {"email": email, "email_confirm": True, "role": "editor", "app_metadata": {"plan": None, "x": 1}},
    ).json()
    assert (changed["email"], changed["role"]) == (email, "editor")
    assert changed["app_metadata"] == {"provider": "email", "providers": ["email"], "x": 1}
    assert changed["email_confirmed_at"]
    assert project.mails(email) == project.mails(user["email"]) == []
    taken = created(project)["email"]
    refused = project.admin("PUT", f"/admin/users/{user['id']}", {"email": taken})
    assert error(refused) == (422, "email_exists")


def test_a_ban_ends_sessions_and_is_lifted(project: Project) -> None:
    session = project.sign_up()
    path = f"/admin/users/{session['user']['id']}"
    assert project.admin("PUT", path, {"ban_duration": "24h"}).json()["banned_until"]
    assert error(project.refresh(session["refresh_token"])) == (400, "refresh_token_not_found")
    assert project.admin("PUT", path, {"ban_duration": ""}).json()["banned_until"]
    assert "banned_until" not in project.admin("PUT", path, {"ban_duration": "none"}).json()
    project.sign_in(session["user"]["email"])


def test_deletion_leaves_nothing(project: Project) -> None:
    session = project.sign_up()
    path = f"/admin/users/{session['user']['id']}"
    assert project.admin("DELETE", path).json() == {}
    assert error(project.admin("GET", path)) == (404, "user_not_found")
    assert error(project.get("/user", session["access_token"])) == (403, "user_not_found")
    project.sign_up(session["user"]["email"])


def test_soft_deletion_keeps_the_row_and_nothing_else(project: Project) -> None:
    session = project.sign_up()
    email = session["user"]["email"]
    path = f"/admin/users/{session['user']['id']}"
    assert project.admin("DELETE", path, {"should_soft_delete": True}).json() == {}
    left = project.admin("GET", path).json()
    project.admin("DELETE", path, {"should_soft_delete": True})
    assert project.admin("GET", path).json() == left
    assert left["deleted_at"]
    assert left["user_metadata"] == left["app_metadata"] == {}
    assert email not in str(left)
    ((provider_id,),) = project.rows(
        "select provider_id from auth.identities where user_id = %s", session["user"]["id"]
    )
    assert len(provider_id) == 64
    assert project.get("/user", session["access_token"]).status_code == 403
    refused = project.post("/token?grant_type=password", {"email": email, "password": PASSWORD})
    assert error(refused) == (400, "invalid_credentials")
    project.sign_up(email)


@pytest.mark.parametrize(
    ("kind", "is_known"),
    [("signup", False), ("invite", False), ("magiclink", True), ("magiclink", False), ("recovery", True)],
)
def test_a_generated_link_works_and_no_mail_is_sent(project: Project, kind: str, is_known: bool) -> None:
    email = new_email()
    if is_known:
        project.sign_up(email)
    body = {"type": kind, "email": email, "password": PASSWORD, "redirect_to": "http://127.0.0.1:8000/x"}
    made = project.admin("POST", "/admin/generate_link", body).json()
    assert project.mails(email) == []
    assert made["verification_type"] == ("signup" if (kind, is_known) == ("magiclink", False) else kind)
    assert made["redirect_to"] == "http://127.0.0.1:8000/x"
    link = urlsplit(made["action_link"])
    assert link.path == "/auth/v1/verify"
    answer = project.http.get(f"{link.path}?{link.query}")
    assert answer.headers["location"].startswith("http://127.0.0.1:8000/x#access_token=")


def test_links_for_both_halves_of_a_change_of_address(project: Project) -> None:
    email, new = new_email(), new_email()
    project.sign_up(email)
    hashes = [
        project.admin(
            "POST", "/admin/generate_link", {"type": f"email_change_{half}", "email": email, "new_email": new}
        ).json()["hashed_token"]
        for half in ("current", "new")
    ]
    half, whole = (project.post("/verify", {"type": "email_change", "token_hash": hash_}) for hash_ in hashes)
    assert (half.json()["code"], whole.json()["user"]["email"]) == ("200", new)


def test_without_secure_change_there_is_a_link_for_the_new_address_only(project: Project) -> None:
    project.set(mailer_secure_email_change_enabled=False)
    email, new = new_email(), new_email()
    project.sign_up(email)
    body = {"type": "email_change_current", "email": email, "new_email": new}
    words = "Enable secure email change to generate link for current email"
    refused = project.admin("POST", "/admin/generate_link", body)
    assert refusal(refused) == (400, "validation_failed", words)
    made = project.admin("POST", "/admin/generate_link", {**body, "type": "email_change_new"}).json()
    redeemed = project.post("/verify", {"type": "email_change", "token_hash": made["hashed_token"]})
    assert redeemed.json()["user"]["email"] == new


def test_a_link_to_sign_up_needs_no_password_where_the_account_waits(project: Project) -> None:
    email, _ = waiting(project)
    body = {"type": "signup", "email": email, "data": {"team": "x"}}
    made = project.admin("POST", "/admin/generate_link", body).json()
    assert made["user_metadata"]["team"] == "x"
    body = {"type": "signup", "token_hash": made["hashed_token"]}
    assert project.post("/verify", body).status_code == 200
    assert error(project.admin("POST", "/admin/generate_link", {**body, "email": email})) == (
        422,
        "email_exists",
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"type": "spell"}, (400, "validation_failed")),
        ({"type": "recovery"}, (404, "user_not_found")),
        ({"type": "signup"}, (400, "validation_failed")),
        ({"type": "signup", "password": "short"}, (422, "weak_password")),
    ],
)
def test_links_that_cannot_be_made(project: Project, body: dict[str, Any], expected: tuple[int, str]) -> None:
    answer = project.admin("POST", "/admin/generate_link", {"email": new_email(), **body})
    assert error(answer) == expected


def test_an_invitation_is_mailed_and_opens_an_account(project: Project) -> None:
    email = new_email()
    user = project.admin("POST", "/invite", {"email": email, "data": {"team": "x"}}).json()
    assert user["invited_at"]
    (mail,) = project.mails(email)
    assert (mail["kind"], "type=invite" in mail["link"]) == ("invite", True)
    session = project.post("/verify", {"type": "invite", "token_hash": mail["token_hash"]}).json()
    assert session["user"]["user_metadata"]["team"] == "x"
    assert project.put("/user", {"password": PASSWORD}, session["access_token"]).status_code == 200
    assert error(project.admin("POST", "/invite", {"email": email})) == (422, "email_exists")


def test_a_sign_up_of_somebody_invited_learns_nothing_of_the_invitation(project: Project) -> None:
    project.set(mailer_autoconfirm=False)
    email = new_email()
    project.admin("POST", "/invite", {"email": email, "data": {"salary": 1}})
    project.clock.advance(61)
    shown = project.post("/signup", {"email": email, "password": PASSWORD}).json()
    assert (shown["user_metadata"], shown["identities"]) == ({}, [])
