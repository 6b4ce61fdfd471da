"""The current request's identity, session and PKCE flows: the functions that views call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import current_app, flash, g, session

from .errors import SESSION_END_WORDS
from .flows import Flow, FlowKind, FlowTokens, challenge_of, finish, new_flow, with_flow, with_note
from .identity import Identity
from .sessions import RequestSession
from .tokens import SessionTokens

if TYPE_CHECKING:
    from .hooks import Gatekeeper

EXTENSION = "gatekeeper"


def current_gatekeeper() -> Gatekeeper:
    """Return the gatekeeper of the current app."""
    found: Gatekeeper = current_app.extensions[EXTENSION]
    return found


def current_identity() -> Identity | None:
    """Return the signed-in person of the current request, or None."""
    identity: Identity | None = g.get("identity")
    return identity


def session_in_doubt() -> bool:
    """Return whether a session was sent that cannot be checked now: neither signed in nor signed out."""
    current: RequestSession | None = g.get("gatekeeper_session")
    return current is not None and current.failure is not None


def start_session(tokens: SessionTokens) -> Identity:
    """Sign the current request in with the token pair that Auth just issued.

    The access token is verified first. Flask's own session is emptied, so that nothing set before the sign-in
    (form tokens above all) stays valid; pending PKCE flows end. Raises TokenError, KeysUnavailable,
    AuthUnavailable or SessionTooLarge.
    """
    identity = current_gatekeeper().sessions.start(g.gatekeeper_session, tokens)
    session.clear()
    g.gatekeeper_flows = ()
    g.identity = identity
    return identity


def end_session(reason: str = "signed_out") -> None:
    """Sign the current request out and flash why; ``reason`` is a key of SESSION_END_WORDS.

    This ends the session in this process only: the caller ends it at Auth first.
    """
    current_gatekeeper().sessions.end(g.gatekeeper_session)
    g.identity = None
    session.clear()
    flash(SESSION_END_WORDS[reason], "notice")


def begin_flow(kind: FlowKind) -> str:
    """Begin a PKCE flow in this browser; return the S256 challenge to send to Auth.

    Call it before the request to Auth that sends a mail (``signup``, ``recovery``, ``email_change``,
    ``magiclink``) or redirects to a provider (``oauth``). The verifier goes into a cookie of this response.
    """
    gatekeeper = current_gatekeeper()
    flow = new_flow(kind, gatekeeper.now())
    g.gatekeeper_flows = with_flow(gatekeeper.pending_flows(), flow)
    return challenge_of(flow.verifier)


def annotate_flow(kind: FlowKind, note: str) -> None:
    """Attach a note to the newest pending flow of a kind, such as the id of the account that it made."""
    g.gatekeeper_flows = with_note(current_gatekeeper().pending_flows(), kind, note)


def pending_flow(kind: FlowKind) -> Flow | None:
    """Return the newest flow of a kind that this browser began within the last hour, or None."""
    flows = current_gatekeeper().pending_flows()
    return next((flow for flow in reversed(flows) if flow.kind == kind), None)


def finish_flow(code: str) -> FlowTokens:
    """Exchange the code that Auth appended to a return address for a token pair.

    The flow's kind and note are in ``flow`` of the result. No session is started: ``start_session`` does.
    Raises FlowRefused, AuthUnavailable or AuthMisconfigured.
    """
    gatekeeper = current_gatekeeper()
    flows = gatekeeper.pending_flows()
    tokens = finish(flows, code, gatekeeper.auth.exchange_code, gatekeeper.now())
    g.gatekeeper_flows = tuple(flow for flow in flows if flow is not tokens.flow)
    return tokens
