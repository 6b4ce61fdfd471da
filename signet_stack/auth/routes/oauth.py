"""GET /authorize, /callback, /user/identities, and the page of the pretended provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug import Response as AnyResponse

from signet_stack.auth import oauth, users
from signet_stack.auth.access_tokens import uuid_claim
from signet_stack.auth.bearer import claims_of, require_user
from signet_stack.auth.errors import AuthError, invalid
from signet_stack.auth.grants import Grant
from signet_stack.auth.oauth import BadState, Flow, Start
from signet_stack.auth.pkce import read_challenge
from signet_stack.auth.providers import CALLBACK_PATH, EXAMPLE, ExampleId, provider_of
from signet_stack.auth.routes import http

bp = Blueprint("oauth", __name__)

# Query parameters that Auth sets itself; all others reach the provider.
RESERVED = frozenset(
    {
        *("client_id", "client_secret", "redirect_uri", "response_type", "state", "code_challenge"),
        *("code_challenge_method", "code_verifier", "nonce", "provider", "scopes", "apikey"),
    }
)
# OAuth's error for a status (RFC 6749 section 4.1.2.1).
ERRORS = {
    400: "invalid_request",
    401: "unauthorized_client",
    403: "access_denied",
    503: "temporarily_unavailable",
}
DENIED = frozenset({"signup_disabled", "user_banned", "provider_email_needs_verification"})
PEOPLE = (("Ada Lovelace", "ada@example.com"), ("Grace Hopper", "grace@example.com"))
# No form-action: a browser applies it to the redirects that follow, which lead to the app.
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"


@bp.get("/authorize")
def authorize() -> AnyResponse:
    """Redirect to a provider."""
    return redirect(_authorize_url(), 302)


@bp.get("/user/identities/authorize")
def link_identity() -> AnyResponse:
    """Redirect to a provider whose identity will be added to the bearer's account."""
    op = http.operation()
    claims = claims_of(op, http.credentials())
    with op.transaction() as connection:
        bearer = require_user(op, connection, claims)
    _check_linking()
    address = _authorize_url(linking_target=bearer.user.id)
    if request.args.get("skip_http_redirect") == "true":
        return http.answer({"url": address})
    return redirect(address, 302)


@bp.delete("/user/identities/<identity_id>")
def unlink_identity(identity_id: str) -> Response:
    """Remove an identity from the bearer's account."""
    op = http.operation()
    claims = claims_of(op, http.credentials())
    with op.transaction() as connection:
        bearer = require_user(op, connection, claims, lock=True)
        _check_linking()
        found = uuid_claim(identity_id)
        if found is None:
            raise invalid("identity_id must be an UUID", 404)
        audience = request.headers.get("X-JWT-AUD")
        if audience and audience != claims.get("aud"):
            raise AuthError(403, "unexpected_audience", "Token audience doesn't match request audience")
        oauth.unlink(op, connection, bearer.user, found)
    return http.answer({})


@bp.route("/callback", methods=["GET", "POST"])
def callback() -> AnyResponse:
    """Take a provider's answer and redirect to the app with a session, a code or an error."""
    op = http.operation()
    try:
        with op.transaction() as connection:
            flow = oauth.find(op, connection, request.values.get("state", ""))
    except BadState as error:
        return http.redirect_to(op.site_url, query=_described(error))
    if refusal := request.values.get("error"):
        text = request.values.get("error_description", "")
        return _failed(flow, {"error": refusal, "error_description": text})
    try:
        return _finish(flow)
    except BadState as error:
        return http.redirect_to(op.site_url, query=_described(error))
    except AuthError as error:
        if error.status >= 500:
            http.log_failure(error)
        return _failed(flow, _described(error))


@bp.get("/example/authorize")
def example_page() -> Response:
    """Show the page of the pretended provider."""
    provider_of(http.operation(), EXAMPLE)
    response = Response(
        render_template("example_id.html", people=PEOPLE, state=request.args.get("state", ""))
    )
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.post("/example/authorize")
def example_choice() -> AnyResponse:
    """Redirect back with the person who was chosen, or with a refusal."""
    op, form = http.operation(), request.form
    provider = provider_of(op, EXAMPLE)
    assert isinstance(provider, ExampleId)  # noqa: S101 - by its name
    if form.get("refuse"):
        answer = {"error": "access_denied", "error_description": "The person refused"}
    else:
        name, email, is_verified = _chosen(form)
        answer = {"code": provider.code_for(name, email, is_verified=is_verified)}
    return redirect(f"{CALLBACK_PATH}?{urlencode({**answer, 'state': form.get('state', '')})}", 303)


def _chosen(form: Mapping[str, str]) -> tuple[str, str, bool]:
    """Return name, address and whether it is verified; raise AuthError."""
    index = form.get("person", "")
    if index.isdecimal() and int(index) < len(PEOPLE):
        return (*PEOPLE[int(index)], True)
    name, email = form.get("name", "").strip()[:100], form.get("email", "").strip()
    if not name:
        raise invalid("Example ID needs a name")
    return name, users.checked_email(email) if email else "", bool(form.get("verified"))


def _authorize_url(linking_target: Any = None) -> str:
    """Store a flow and return the provider's address; raise AuthError."""
    op, arguments = http.operation(), request.args
    provider = provider_of(op, arguments.get("provider", ""))
    challenge = read_challenge(
        arguments.get("code_challenge_method", ""), arguments.get("code_challenge", "")
    )
    invitation = arguments.get("invite_token", "")
    wanted = Start(provider.name, http.target(), challenge, linking_target, invitation)
    with op.transaction() as connection:
        state = oauth.start(op, connection, wanted)
    passed = {name: value for name, value in arguments.items() if name.lower() not in RESERVED}
    return provider.authorize_url(state, arguments.get("scopes", ""), passed)


def _finish(flow: Flow) -> AnyResponse:
    op, code = http.operation(), request.values.get("code", "")
    if not code:
        message = "OAuth callback with missing authorization code missing"
        raise AuthError(400, "bad_oauth_callback", message)
    try:
        provider = provider_of(op, flow.provider_type)
    except AuthError as error:
        raise AuthError(400, "oauth_provider_not_supported", error.message) from None
    person = provider.identify(code, str(flow.id))  # no connection is held while the provider is asked
    with op.transaction() as connection:
        done = oauth.finish(op, connection, flow, person, http.client())
    if isinstance(done, str):
        return http.redirect_to(flow.referrer, query={"code": done}, status=302)
    fragment = urlencode(sorted(_session(done).items()))
    response = http.redirect_to(flow.referrer, fragment=fragment, status=302)
    response.headers.update(done.headers)
    return response


def _session(grant: Grant) -> dict[str, Any]:
    names = ("access_token", "expires_at", "expires_in", "refresh_token", "token_type")
    tokens = ("provider_token", "provider_refresh_token")
    given = {name: grant.body[name] for name in tokens if name in grant.body}
    return {**{name: grant.body[name] for name in names}, **given, "sb": ""}


def _check_linking() -> None:
    if not http.operation().settings.security_manual_linking_enabled:
        raise AuthError(404, "manual_linking_disabled", "Manual linking is disabled")


def _described(error: AuthError) -> dict[str, str]:
    name = "access_denied" if error.code in DENIED else ERRORS.get(error.status, "server_error")
    return {"error": name, "error_code": error.code, "error_description": error.message}


def _failed(flow: Flow, described: Mapping[str, str]) -> AnyResponse:
    """Redirect an error in query and fragment."""
    fragment = http.encoded_twice(described)
    return http.redirect_to(flow.referrer, query=described, fragment=fragment, status=302)
