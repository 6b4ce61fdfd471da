"""What answers look like: sessions, users, claims, discovery, and failures that are nobody's fault."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import jwt
import pytest

from signet_stack.auth.routes.discovery import SOCIAL
from tests.signet_stack.auth.conftest import API_VERSION, Project, claims_of, error, new_email, refusal

SESSION = {"access_token", "token_type", "expires_in", "expires_at", "refresh_token", "user"}
USER = {
    "id",
    "aud",
    "role",
    "email",
    "phone",
    "app_metadata",
    "user_metadata",
    "identities",
    "created_at",
    "updated_at",
    "is_anonymous",
}
CONFIRMED = {"email_confirmed_at", "confirmed_at", "last_sign_in_at"}


def test_a_session(project: Project) -> None:
    email = new_email()
    assert project.sign_up(email).keys() == SESSION
    session = project.sign_in(email)
    assert session.keys() == SESSION | {"weak_password"}
    assert (session["token_type"], session["expires_in"]) == ("bearer", 3600)
    assert session["expires_at"] == int(project.clock().timestamp()) + 3600


def test_the_claims_of_an_access_token(project: Project) -> None:
    session = project.sign_up()
    token, user, now = session["access_token"], session["user"], int(project.clock().timestamp())
    kid = project.context.signing_keys.in_use().kid
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "typ": "JWT", "kid": kid}
    claims = claims_of(token)
    assert UUID(claims.pop("session_id"))
    assert claims == {
        "iss": project.context.issuer,
        "sub": user["id"],
        "aud": "authenticated",
        "exp": now + 3600,
        "iat": now,
        "email": user["email"],
        "phone": "",
        "app_metadata": {"provider": "email", "providers": ["email"]},
        "user_metadata": user["user_metadata"],
        "role": "authenticated",
        "aal": "aal1",
        "amr": [{"method": "password", "timestamp": now}],
        "is_anonymous": False,
    }


def test_a_user_and_their_identity(project: Project) -> None:
    email = new_email()
    user = project.sign_up(email)["user"]
    # The request that confirms an address does not show the generated column yet, as on the hosted service.
    assert user.keys() == (USER | CONFIRMED) - {"confirmed_at"}
    assert project.sign_in(email)["user"].keys() == USER | CONFIRMED
    assert (user["aud"], user["role"], user["phone"]) == ("authenticated", "authenticated", "")
    known = {"sub": user["id"], "email": email, "phone_verified": False}
    assert user["user_metadata"] == {**known, "email_verified": True}
    (identity,) = user["identities"]
    moments = {name: identity.pop(name) for name in ("created_at", "updated_at", "last_sign_in_at")}
    assert all(moment.endswith("Z") for moment in moments.values())
    assert UUID(identity.pop("identity_id"))
    assert identity == {
        "id": user["id"],
        "user_id": user["id"],
        "provider": "email",
        "email": email,
        "identity_data": {**known, "email_verified": True},
    }


def test_what_is_not_set_is_not_shown(project: Project) -> None:
    session = project.sign_up()
    path, email = f"/admin/users/{session['user']['id']}", session["user"]["email"]
    project.post("/recover", {"email": email})
    project.get("/reauthenticate", session["access_token"])
    project.put("/user", {"email": new_email()}, session["access_token"])
    project.admin("PUT", path, {"ban_duration": "1h"})
    shown = project.admin("GET", path).json()
    assert shown.keys() - USER - CONFIRMED == {
        "recovery_sent_at",
        "reauthentication_sent_at",
        "email_change_sent_at",
        "new_email",
        "banned_until",
    }


def test_the_type_is_json_without_a_newline(project: Project) -> None:
    answer = project.get("/health")
    assert answer.headers["content-type"] == "application/json"
    assert not answer.content.endswith(b"\n")
    assert answer.json().keys() == {"version", "name", "description"}
    assert answer.json()["name"] == "GoTrue"


def test_the_settings_say_what_is_offered(project: Project) -> None:
    project.set(disable_signup=True, mailer_autoconfirm=False)
    off = dict.fromkeys((*SOCIAL, "anonymous_users", "phone"), False)
    assert project.get("/settings").json() == {
        "external": {**off, "email": True},
        "disable_signup": True,
        "mailer_autoconfirm": False,
        "phone_autoconfirm": False,
        "sms_provider": "",
        "saml_enabled": False,
        "saml_private_key_next_configured": False,
        "passkeys_enabled": False,
    }
    assert len(SOCIAL) == 23


def test_discovery(project: Project) -> None:
    answer = project.get("/.well-known/openid-configuration")
    assert answer.headers["cache-control"] == "public, max-age=600"
    content, base = answer.json(), f"{project.context.api_url}/auth/v1"
    assert content["issuer"] == project.context.issuer
    assert content["jwks_uri"] == f"{base}/.well-known/jwks.json"
    assert content["authorization_endpoint"] == f"{base}/oauth/authorize"
    assert content["token_endpoint"] == f"{base}/oauth/token"
    assert content["id_token_signing_alg_values_supported"] == ["RS256", "HS256", "ES256"]
    assert {"auth_time", "phone_number", "preferred_username"} < set(content["claims_supported"])
    assert content["code_challenge_methods_supported"] == ["S256", "plain"]


@pytest.mark.parametrize("path", ["/signup", "/token", "/logout", "/recover", "/admin/generate_link"])
def test_another_method_is_405_without_a_body(project: Project, path: str) -> None:
    answer = project.admin("DELETE", path)
    assert (answer.status_code, answer.content) == (405, b"")


def test_a_statement_that_waits_too_long_is_504(project: Project) -> None:
    """PostgreSQL ends it after ten seconds; here somebody is as impatient as that at once."""
    email = new_email()
    project.sign_up(email)
    assert project.rows("show statement_timeout") == [("10s",)]
    end = "select pg_cancel_backend(pid) from pg_stat_activity where wait_event_type = 'Lock'"
    with project.context.database.auth.connection() as holder, ThreadPoolExecutor(1) as pool:
        holder.execute("select from auth.users where email = %s for update", (email,))
        asked = pool.submit(project.post, "/recover", {"email": email})
        while not asked.done():
            project.rows(f"{end} and datname = current_database()")
    words = "Processing this request timed out, please retry after a moment."
    assert refusal(asked.result()) == (504, "request_timeout", words)


def test_a_failure_of_ours_is_told_without_saying_which(project: Project) -> None:
    email = new_email()
    project.sign_up(email)
    project.rows("alter table auth.mfa_amr_claims rename to hidden")
    try:
        body = {"email": email, "password": "correct horse battery staple"}
        older = project.post("/token?grant_type=password", body)
        newer = project.post("/token?grant_type=password", body, headers=API_VERSION)
    finally:
        project.rows("alter table auth.hidden rename to mfa_amr_claims")
    assert error(older) == (500, "unexpected_failure")
    assert older.json().keys() == {"code", "error_code", "msg", "error_id"}
    assert newer.json() == {"code": "unexpected_failure", "message": "Database error granting user"}


def test_a_connection_that_died_is_replaced(project: Project, superuser_sql: Callable[[str], None]) -> None:
    session = project.sign_up()
    superuser_sql(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where usename = 'supabase_auth_admin' and datname = current_database()"
    )
    for _ in range(10):
        assert project.get("/user", session["access_token"]).status_code == 200
