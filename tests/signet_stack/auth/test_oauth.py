"""Signing in with external providers: Example ID, an OpenID Connect issuer of our own, linking by hand."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask, jsonify, request
from jwt.algorithms import RSAAlgorithm
from waitress.server import create_server

from tests.signet_stack.auth.conftest import PASSWORD, Project, claims_of, error, new_email
from tests.signet_stack.auth.steps import PKCE, SITE, VERIFIER, ban, exchange, fragment, query, waiting

TARGET = f"{SITE}/auth/callback?n=1"
CLIENT = "client-1"


@pytest.fixture
def example(project: Project) -> Project:
    """Return the project with the pretended provider switched on."""
    project.set(external_example_enabled=True, security_manual_linking_enabled=True, smtp_max_frequency=0)
    return project


def started(project: Project, path: str = "/authorize", token: str | None = None, **params: str) -> str:
    """Start a flow and return the provider's address."""
    sent = {"provider": "example", "redirect_to": TARGET, **params}
    answer = project.get(path, token, params=sent)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


def chosen(project: Project, address: str, **person: str) -> str:
    """Choose a person on Example ID's page and return where Auth sends the browser in the end."""
    parts = urlsplit(address)
    page = project.http.get(f"{parts.path}?{parts.query}", headers={"apikey": ""})
    assert page.status_code == 200, page.text
    form = {"state": query(address)["state"], **person}
    back = project.http.post(parts.path, data=form)
    assert back.status_code == 303, back.text
    return project.http.get(back.headers["location"]).headers["location"]


def person(email: str, *, is_verified: bool = True, name: str = "Ada") -> dict[str, str]:
    return {"name": name, "email": email, **({"verified": "1"} if is_verified else {})}


def signed_in(project: Project, email: str, **params: str) -> dict[str, str]:
    """Sign in with Example ID without PKCE; return the fragment."""
    return fragment(chosen(project, started(project, **params), **person(email)))


def user_of(project: Project, token: str) -> dict[str, Any]:
    return dict(project.get("/user", token).json())


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"provider": "github"}, "could not be found"),
        ({"provider": "email"}, "could not be found"),
        ({"provider": ""}, "could not be found"),
        ({"provider": "google"}, "provider is not enabled"),
        ({"provider": "example", "code_challenge": "x" * 43}, "PKCE flow requires"),
        ({"provider": "example", **PKCE, "code_challenge_method": "md5"}, "code_challenge_method"),
    ],
)
def test_refused_starts_are_json(example: Project, params: dict[str, str], message: str) -> None:
    answer = example.get("/authorize", params=params)
    assert error(answer) == (400, "validation_failed")
    assert message in answer.json()["msg"]


def test_the_pretended_provider_is_off_by_default(project: Project) -> None:
    assert error(project.get("/authorize", params={"provider": "example"})) == (400, "validation_failed")
    assert error(project.get("/example/authorize")) == (400, "validation_failed")
    assert "example" not in project.get("/settings").json()["external"]
    project.set(external_example_enabled=True)
    assert project.get("/settings").json()["external"]["example"] is True


def test_an_unknown_invitation_starts_nothing(example: Project) -> None:
    answer = example.get("/authorize", params={"provider": "example", "invite_token": "unknown"})
    assert error(answer) == (404, "user_not_found")


def test_a_new_person_gets_an_account_and_a_session(example: Project) -> None:
    email = new_email()
    location = chosen(example, started(example, provider="Example"), **person(email.upper()))
    assert location.partition("#")[0] == TARGET
    found = fragment(location)
    names = [
        "access_token",
        "expires_at",
        "expires_in",
        "provider_token",
        "refresh_token",
        "sb",
        "token_type",
    ]
    assert sorted(found) == names
    claims = claims_of(found["access_token"])
    assert (claims["email"], claims["amr"][0]["method"], claims["aal"]) == (email, "oauth", "aal1")
    assert claims["app_metadata"] == {"provider": "example", "providers": ["example"]}
    user = user_of(example, found["access_token"])
    (identity,) = user["identities"]
    assert (identity["provider"], identity["identity_data"]["name"]) == ("example", "Ada")
    assert user["user_metadata"]["email_verified"] is True
    assert user["email_confirmed_at"]
    assert example.rows("select count(*) from auth.flow_state where user_id = %s", user["id"]) == [(0,)]
    again = signed_in(example, email)
    assert claims_of(again["access_token"])["sub"] == user["id"]


def test_a_pkce_flow_gives_a_code_once(example: Project) -> None:
    address = started(example, **PKCE)
    state = query(address)["state"]
    location = chosen(example, address, person="0")
    assert query(location)["n"] == "1"
    code = query(location)["code"]
    assert fragment(location) == {}
    used = example.http.get(f"/auth/v1/callback?state={state}&code=x").headers["location"]
    assert query(used)["error_code"] == "flow_state_already_used"
    assert error(exchange(example, code, "w" * 50)) == (400, "bad_code_verifier")
    session = exchange(example, code, VERIFIER)
    assert session.status_code == 200, session.text
    assert session.json()["provider_token"].startswith("example-")
    assert claims_of(session.json()["access_token"])["amr"][0]["method"] == "oauth"
    assert error(exchange(example, code, VERIFIER)) == (404, "flow_state_not_found")


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("", "bad_oauth_callback"),
        ("zz", "bad_oauth_state"),
        ("00000000-0000-4000-8000-000000000000", "bad_oauth_state"),
    ],
)
def test_a_bad_state_leads_to_the_site(example: Project, state: str, code: str) -> None:
    answer = example.http.get("/auth/v1/callback", params={"state": state, "code": "x"})
    assert answer.status_code == 303
    location = answer.headers["location"]
    assert location.startswith(f"{SITE}?")
    assert (query(location)["error"], query(location)["error_code"]) == ("invalid_request", code)
    assert urlsplit(location).fragment == ""


def test_a_state_expires(example: Project) -> None:
    address = started(example)
    example.clock.advance(301)
    assert query(chosen(example, address, person="0"))["error_description"] == "OAuth state has expired"


def test_a_refusal_is_passed_on_in_query_and_fragment_and_the_state_stays(example: Project) -> None:
    address = started(example)
    location = chosen(example, address, refuse="1")
    assert query(location) == {
        "n": "1",
        "error": "access_denied",
        "error_description": "The person refused",
    }
    assert fragment(location)["error_description"] == "The person refused"
    state = query(address)["state"]
    missing = example.http.get(f"/auth/v1/callback?state={state}").headers["location"]
    assert query(missing)["error_code"] == "bad_oauth_callback"
    forged = example.http.get(f"/auth/v1/callback?state={state}&code=abcdefg.x").headers["location"]
    assert query(forged)["error_description"] == "Unable to exchange external code: abcd"
    assert "access_token" in fragment(chosen(example, address, person="0"))


def test_a_verified_address_links_to_its_account(example: Project) -> None:
    email = new_email()
    owner = example.sign_up(email)["user"]
    example.clock.advance(1)
    token = signed_in(example, email)["access_token"]
    user = user_of(example, token)
    assert user["id"] == owner["id"]
    assert user["app_metadata"] == {"provider": "email", "providers": ["email", "example"]}
    assert example.sign_in(email)["user"]["id"] == owner["id"]


def test_an_unverified_address_links_to_no_account(example: Project) -> None:
    email = new_email()
    example.sign_up(email)
    example.set(mailer_autoconfirm=False)
    location = chosen(example, started(example), **person(email, is_verified=False))
    assert query(location)["error"] == "access_denied"
    assert query(location)["error_code"] == "provider_email_needs_verification"
    assert "Verify the email with example" in query(location)["error_description"]
    assert example.mails(email) == []


def test_a_new_unverified_address_gets_a_mail_first(example: Project) -> None:
    example.set(mailer_autoconfirm=False)
    email = new_email()
    location = chosen(example, started(example), **person(email, is_verified=False))
    assert query(location)["error_code"] == "provider_email_needs_verification"
    (mail,) = example.mails(email)
    answer = example.post("/verify", {"type": "signup", "token_hash": mail["token_hash"]})
    assert answer.json()["user"]["app_metadata"]["provider"] == "example"


def test_a_strangers_unconfirmed_sign_up_is_taken_from_them(example: Project) -> None:
    email, _ = waiting(example, data={"planted": True})
    user = user_of(example, signed_in(example, email)["access_token"])
    assert [identity["provider"] for identity in user["identities"]] == ["example"]
    assert "planted" not in user["user_metadata"]
    refused = example.post("/token?grant_type=password", {"email": email, "password": PASSWORD})
    assert error(refused) == (400, "invalid_credentials")


def test_closed_sign_ups_and_bans(example: Project) -> None:
    email = new_email()
    signed_in(example, email)
    example.set(disable_signup=True)
    location = chosen(example, started(example), **person(new_email()))
    assert (query(location)["error"], query(location)["error_code"]) == ("access_denied", "signup_disabled")
    assert "access_token" in signed_in(example, email)
    ban(example, email)
    location = chosen(example, started(example), **person(email))
    assert query(location)["error_code"] == "user_banned"


def test_an_invitation_is_accepted_with_a_provider(example: Project) -> None:
    email = new_email()
    example.admin("POST", "/invite", {"email": email})
    (mail,) = example.mails(email)
    invited = {"invite_token": mail["token_hash"]}
    location = chosen(example, started(example, **invited), **person(new_email()))
    assert query(location)["error"] == "invalid_request"
    location = chosen(example, started(example, **invited), **person(email, is_verified=False))
    user = user_of(example, fragment(location)["access_token"])
    assert user["email_confirmed_at"]
    assert [identity["provider"] for identity in user["identities"]] == ["example"]


def test_identities_are_linked_and_unlinked_by_hand(example: Project) -> None:
    example.set(
        mailer_notifications_identity_linked_enabled=True,
        mailer_notifications_identity_unlinked_enabled=True,
    )
    email, other = new_email(), new_email()
    token = example.sign_up(email)["access_token"]
    before = user_of(example, token)
    params = {"provider": "example", "skip_http_redirect": "true", "redirect_to": TARGET}
    address = example.get("/user/identities/authorize", token, params=params).json()["url"]
    example.clock.advance(1)
    location = chosen(example, address, **person(other, is_verified=False))
    linked = user_of(example, fragment(location)["access_token"])
    assert (linked["id"], linked["email"]) == (before["id"], email)
    assert linked["user_metadata"] == before["user_metadata"]
    assert linked["app_metadata"]["providers"] == ["email", "example"]
    again = chosen(example, started(example, "/user/identities/authorize", token), **person(other))
    assert query(again)["error_code"] == "identity_already_exists"
    stranger = example.sign_up()["access_token"]
    taken = chosen(example, started(example, "/user/identities/authorize", stranger), **person(other))
    assert query(taken)["error_description"] == "Identity is already linked to another user"
    by_provider = {identity["provider"]: identity["identity_id"] for identity in linked["identities"]}
    example.clock.advance(1)
    path = "/user/identities"
    assert error(example.call("DELETE", f"{path}/zz", token)) == (404, "validation_failed")
    assert error(example.call("DELETE", f"{path}/{uuid.uuid4()}", token)) == (422, "identity_not_found")
    assert example.call("DELETE", f"{path}/{by_provider['email']}", token).json() == {}
    user = user_of(example, token)
    assert (user["email"], user["app_metadata"]["providers"]) == (other, ["example"])
    assert example.sign_in(other)["user"]["id"] == before["id"]  # the password works with the new address
    last = f"{path}/{by_provider['example']}"
    assert error(example.call("DELETE", last, token)) == (422, "single_identity_not_deletable")
    subjects = [mail["subject"] for mail in example.mails(email)]
    assert subjects == [
        "A sign-in method was removed from your account",
        "A new sign-in method was linked to your account",
    ]


def test_linking_by_hand_is_off_by_default(project: Project) -> None:
    token = project.sign_up()["access_token"]
    path = "/user/identities/authorize?provider=example"
    assert error(project.get(path, token)) == (404, "manual_linking_disabled")
    assert error(project.call("DELETE", "/user/identities/x", token)) == (404, "manual_linking_disabled")
    assert error(project.get(path)) == (403, "bad_jwt")


class Issuer:
    """An OpenID Connect issuer whose next ID token a test decides."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.signing_key = self.key
        self.claims: dict[str, Any] = {}
        self.asked: dict[str, str] = {}
        self.url = ""
        self.app = Flask(__name__)
        self.app.get("/.well-known/openid-configuration")(self.configuration)
        self.app.get("/keys")(self.keys)
        self.app.post("/token")(self.token)

    def configuration(self) -> Any:
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        paths = ("authorize", "token", "keys")
        addresses = {name: f"{self.url}/{path}" for name, path in zip(names, paths, strict=True)}
        return jsonify(issuer=self.url, **addresses)

    def keys(self) -> Any:
        public = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return jsonify(keys=[{**public, "kid": "k", "alg": "RS256", "use": "sig"}])

    def token(self) -> Any:
        self.asked = request.form.to_dict()
        if self.asked["code"] == "refused":
            return jsonify(error="invalid_grant"), 400
        headers = {"kid": "k"}
        token = jwt.encode(self.claims, self.signing_key, "RS256", headers=headers)  # type: ignore[arg-type]
        return jsonify(access_token="theirs", refresh_token="theirs too", id_token=token)


@contextmanager
def serving(issuer: Issuer) -> Iterator[Issuer]:
    server = create_server(issuer.app, host="127.0.0.1", port=0, threads=2)
    issuer.url = f"http://127.0.0.1:{server.effective_port}"
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield issuer
    server.trigger.pull_trigger(server.close)
    thread.join(10)
    server.task_dispatcher.shutdown()


@pytest.fixture
def issuer(project: Project) -> Iterator[Issuer]:
    """Return an issuer that the project's provider "keycloak" is set to."""
    with serving(Issuer()) as issuer:
        project.set(
            external_keycloak_enabled=True,
            external_keycloak_url=issuer.url,
            external_keycloak_client_id=CLIENT,
            external_keycloak_secret="their secret",
        )
        yield issuer


def told(issuer: Issuer, address: str, **claims: Any) -> None:
    """Decide what the next ID token says."""
    now = int(time.time())
    issuer.claims = {
        "iss": issuer.url,
        "aud": CLIENT,
        "sub": "s-1",
        "iat": now,
        "exp": now + 60,
        "nonce": query(address)["nonce"],
        "email": new_email(),
        "email_verified": True,
        "name": "Ada",
        **claims,
    }


def called_back(project: Project, address: str, code: str = "good") -> str:
    answer = project.http.get("/auth/v1/callback", params={"state": query(address)["state"], "code": code})
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


def test_an_openid_connect_issuer_signs_in(project: Project, issuer: Issuer) -> None:
    address = started(project, provider="keycloak", scopes="groups", prompt="login", state="theirs", **PKCE)
    sent = query(address)
    assert address.startswith(f"{issuer.url}/authorize?")
    assert (sent["client_id"], sent["prompt"], sent["code_challenge_method"]) == (CLIENT, "login", "S256")
    assert sent["scope"] == "openid profile email groups"
    assert sent["redirect_uri"] == "http://127.0.0.1:54321/auth/v1/callback"
    assert sent["state"] != "theirs"
    told(issuer, address)
    session = exchange(project, query(called_back(project, address))["code"], VERIFIER).json()
    assert (session["provider_token"], session["provider_refresh_token"]) == ("theirs", "theirs too")
    assert session["user"]["user_metadata"]["name"] == "Ada"
    assert session["user"]["identities"][0]["id"] == "s-1"
    assert issuer.asked["client_secret"] == "their secret"
    assert len(issuer.asked["code_verifier"]) >= 43


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another"},
        {"iss": "http://127.0.0.1:1"},
        {"exp": 1},
        {"nonce": "another"},
        {"sub": None},
    ],
)
def test_an_id_token_that_does_not_hold_signs_nobody_in(
    project: Project, issuer: Issuer, claims: dict[str, Any]
) -> None:
    address = started(project, provider="keycloak")
    told(issuer, address, **claims)
    location = called_back(project, address)
    assert query(location)["error"] == "server_error"
    assert query(location)["error_description"] == "Error getting user profile from external provider"


def test_an_id_token_of_another_key_signs_nobody_in(project: Project, issuer: Issuer) -> None:
    issuer.signing_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    address = started(project, provider="keycloak")
    told(issuer, address)
    assert query(called_back(project, address))["error"] == "server_error"


def test_a_refused_code_keeps_the_state(project: Project, issuer: Issuer) -> None:
    address = started(project, provider="keycloak")
    told(issuer, address)
    location = called_back(project, address, "refused")
    assert query(location)["error_description"] == "Unable to exchange external code: refu"
    assert "access_token" in fragment(called_back(project, address))


def test_a_known_subject_keeps_its_account_when_its_address_changes(project: Project, issuer: Issuer) -> None:
    subject, first, second = uuid.uuid4().hex, new_email(), new_email()
    for email, name in ((first, "Ada"), (second, "Ada L.")):
        address = started(project, provider="keycloak")
        told(issuer, address, sub=subject, email=email, name=name)
        token = fragment(called_back(project, address))["access_token"]
    user = user_of(project, token)
    assert (user["email"], user["user_metadata"]["name"]) == (first, "Ada L.")
    assert user["identities"][0]["email"] == second


def test_an_issuer_that_is_down_is_an_error_of_the_provider(project: Project) -> None:
    project.set(
        external_keycloak_enabled=True,
        external_keycloak_url="http://127.0.0.1:9",
        external_keycloak_client_id=CLIENT,
        external_keycloak_secret="x",
    )
    answer = project.get("/authorize", params={"provider": "keycloak"})
    assert error(answer) == (500, "unexpected_failure")


def test_secrets_of_providers_are_not_shown(project: Project) -> None:
    bearer = {"Authorization": f"Bearer {project.context.management_token}"}
    url = f"{project.origin}/v1/projects/local/config/auth"
    answer = httpx.patch(url, json={"external_google_secret": "top secret"}, headers=bearer)
    assert "top secret" not in answer.text
    assert len(answer.json()["external_google_secret"]) == 64
    assert "top secret" not in repr(project.context.auth_settings.current())
