"""External sign-in providers: any OpenID Connect issuer by settings, and Example ID, a pretended one.

A provider makes the address that starts a sign-in, and turns the code that comes back into a person. Trust
boundary: an ID token counts when its signature, issuer, audience, expiry and nonce hold (OpenID Connect Core
section 3.1.3.7); the token endpoint is reached by TLS, except on loopback.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

import jwt

from signet_stack.auth.errors import AuthError, invalid
from signet_stack.auth.service import Operation

CALLBACK_PATH = "/auth/v1/callback"
EXAMPLE, EXAMPLE_PATH = "example", "/auth/v1/example/authorize"
SCOPES = ("openid", "profile", "email")
SECONDS = 7
MAX_BYTES = 256 * 1024
ALGORITHMS = ("RS256", "ES256", "EdDSA", "PS256", "RS384", "RS512", "ES384", "ES512")
GOOGLE_ISSUER = "https://accounts.google.com"
# The claims that become identity data; others are left out.
CLAIMS = (
    *("iss", "sub", "name", "family_name", "given_name", "middle_name", "nickname", "preferred_username"),
    *("profile", "picture", "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at"),
)


@dataclass(frozen=True, slots=True)
class Person:
    """What a provider says about the person who signed in there."""

    subject: str
    email: str  # in lower case, empty when there is none
    is_verified: bool
    claims: dict[str, Any]
    access_token: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)

    @property
    def identity_data(self) -> dict[str, Any]:
        """The data of the identity, which also becomes the metadata of a new user."""
        kept = {name: self.claims[name] for name in CLAIMS if self.claims.get(name)}
        email = {"email": self.email} if self.email else {}
        return {
            **kept,
            "sub": self.subject,
            **email,
            "email_verified": self.is_verified,
            "phone_verified": False,
        }


class Provider(Protocol):
    """One way to sign in elsewhere."""

    @property
    def name(self) -> str:
        """The name in requests and identities."""

    def authorize_url(self, state: str, scopes: str, passed: Mapping[str, str]) -> str:
        """Return the address where the person signs in; raise AuthError."""

    def identify(self, code: str, state: str) -> Person:
        """Exchange the code that came back; raise AuthError."""


def provider_of(op: Operation, name: str) -> Provider:
    """Return an enabled provider by its name, in any letter case; raise AuthError."""
    settings, name = op.settings, name.lower()
    if name == EXAMPLE:
        if settings.external_example_enabled:
            return ExampleId(op)
    elif name == "google":
        if settings.external_google_enabled:
            found = settings.external_google_client_id, settings.external_google_secret
            return Oidc(op, name, GOOGLE_ISSUER, *found)
    elif name == "keycloak":
        if settings.external_keycloak_enabled:
            found = settings.external_keycloak_client_id, settings.external_keycloak_secret
            return Oidc(op, name, settings.external_keycloak_url, *found)
    else:
        raise invalid(f"Unsupported provider: Provider {name[:40]} could not be found")
    raise invalid("Unsupported provider: provider is not enabled")


@dataclass(frozen=True, slots=True)
class ExampleId:
    """The pretended provider: its page asks for no password, so it is off unless switched on.

    The code carries the person, signed by the stack; nothing is stored.
    """

    op: Operation
    name: str = EXAMPLE

    def authorize_url(self, state: str, scopes: str, passed: Mapping[str, str]) -> str:
        """Return the address of the page on which a person is chosen."""
        return f"{self.op.context.api_url}{EXAMPLE_PATH}?{urlencode({**passed, 'state': state})}"

    def code_for(self, name: str, email: str, *, is_verified: bool) -> str:
        """Return the code of a person who was chosen on the page."""
        claims = {"name": name, "email": email.lower(), "email_verified": is_verified}
        content = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode()
        return f"{content}.{self._signature(content)}"

    def identify(self, code: str, state: str) -> Person:
        """Read the person out of a code; the subject follows from address and name."""
        content, _, signature = code.partition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(content).encode()):
            raise _not_exchanged(code)
        claims = json.loads(base64.urlsafe_b64decode(content))
        known = claims["email"] or claims["name"]
        subject = hashlib.sha256(f"example:{known}".encode()).hexdigest()[:24]
        claims |= {"iss": f"{self.op.context.api_url}{EXAMPLE_PATH}", "sub": subject}
        return Person(subject, claims["email"], claims["email_verified"], claims, f"example-{subject}")

    def _signature(self, content: str) -> str:
        return hmac.new(self.op.code_secret.encode(), f"example:{content}".encode(), "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Oidc:
    """An OpenID Connect issuer with a discovery document; always with PKCE (S256) and a nonce."""

    op: Operation
    name: str
    issuer: str
    client_id: str
    secret: str = field(repr=False)

    def authorize_url(self, state: str, scopes: str, passed: Mapping[str, str]) -> str:
        """Return the issuer's authorization address with state, nonce and challenge."""
        if not (self.issuer and self.client_id and self.secret):
            raise invalid("Unsupported provider: missing OAuth client ID, secret or URL")
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self._verifier(state).encode()).digest())
        parameters = {
            **passed,
            "client_id": self.client_id,
            "code_challenge": challenge.rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            "nonce": self._nonce(state),
            "redirect_uri": self._redirect_uri,
            "response_type": "code",
            "scope": " ".join(dict.fromkeys([*SCOPES, *scopes.replace(",", " ").split()])),
            "state": state,
        }
        address = self._metadata()["authorization_endpoint"]
        return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(sorted(parameters.items()))}"

    def identify(self, code: str, state: str) -> Person:
        """Exchange the code at the token endpoint and verify the ID token."""
        metadata = self._metadata()
        body = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "client_id": self.client_id,
            "client_secret": self.secret,
            "code_verifier": self._verifier(state),
        }
        try:
            tokens = _ask("POST", metadata["token_endpoint"], data=body)
        except AuthError:
            raise _not_exchanged(code) from None
        claims = self._verified(str(tokens.get("id_token") or ""), metadata, state)
        return Person(
            str(claims["sub"]),
            str(claims.get("email") or "").lower(),
            claims.get("email_verified") is True,
            claims,
            str(tokens.get("access_token") or ""),
            str(tokens.get("refresh_token") or ""),
        )

    @property
    def _redirect_uri(self) -> str:
        return f"{self.op.context.api_url}{CALLBACK_PATH}"

    def _verifier(self, state: str) -> str:
        return self._derived("verifier", state)

    def _nonce(self, state: str) -> str:
        return self._derived("nonce", state)

    def _derived(self, purpose: str, state: str) -> str:
        """Return a secret of one flow: an HMAC, so that nothing has to be stored."""
        return hmac.new(self.op.code_secret.encode(), f"{purpose}:{state}".encode(), "sha256").hexdigest()

    def _metadata(self) -> dict[str, Any]:
        found = _ask("GET", f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if str(found.get("issuer", "")).rstrip("/") != self.issuer.rstrip("/"):
            raise _no_profile()
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            _check_address(str(found.get(name) or ""))
        return found

    def _verified(self, token: str, metadata: Mapping[str, Any], state: str) -> dict[str, Any]:
        try:
            keys = jwt.PyJWKSet.from_dict(_ask("GET", metadata["jwks_uri"]))
            header = jwt.get_unverified_header(token)
            key = next(key for key in keys.keys if header.get("kid") in (None, key.key_id))
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=self.client_id,
                issuer=str(metadata["issuer"]),
                leeway=30,
                options={"require": ["exp", "iat", "sub"]},
            )
        except (jwt.PyJWTError, StopIteration, ValueError):
            raise _no_profile() from None
        if not hmac.compare_digest(str(claims.get("nonce")).encode(), self._nonce(state).encode()):
            raise _no_profile()
        return claims


def _ask(method: str, address: str, **content: Any) -> dict[str, Any]:
    """Return the JSON object at an address; raise AuthError. No redirects are followed."""
    import httpx

    _check_address(address)
    try:
        with httpx.Client(timeout=SECONDS, trust_env=True) as client:
            answer = client.request(method, address, headers={"Accept": "application/json"}, **content)
        read = answer.json() if answer.is_success and len(answer.content) <= MAX_BYTES else None
    except (httpx.HTTPError, ValueError):
        read = None
    if not isinstance(read, dict):
        raise _no_profile()
    return read


def _check_address(address: str) -> None:
    parts = urlsplit(address)
    is_loopback = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback):
        raise _no_profile()


def _not_exchanged(code: str) -> AuthError:
    return AuthError(500, "unexpected_failure", f"Unable to exchange external code: {code[:4]}")


def _no_profile() -> AuthError:
    return AuthError(500, "unexpected_failure", "Error getting user profile from external provider")
