"""The views of the lab: overview and tour, policies, keys, token, sessions."""

from __future__ import annotations

import ipaddress
import json
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from flask import Blueprint, abort, redirect, render_template, request, session, url_for
from psycopg import Connection
from werkzeug import Response

from flask_signet.gatekeeper.current import current_gatekeeper, current_identity, start_session
from flask_signet.gatekeeper.decorators import public
from flask_signet.gatekeeper.errors import KeysUnavailable
from flask_signet.gatekeeper.tokens import SessionTokens, decode_segment, read_object
from flask_signet.keys.management_api import token_life_of
from flask_signet.lab import (
    attempts,
    broken_tokens,
    catalog,
    changes,
    current_lab,
    inspector,
    keys,
    playground,
    presentation,
    sessions,
    speed,
    tour,
)
from flask_signet.lab.errors import BadChoice
from flask_signet.lab.matrix import matrix
from flask_signet.lab.people import CUSTOM, SIGNED_OUT, Who, caller_of
from signet_db.errors import SignetError
from signet_db.lint import judge

log = logging.getLogger(__name__)

Page = str | tuple[str, int]

bp = Blueprint("lab", __name__, url_prefix="/lab", template_folder="templates", static_folder="static")


@bp.before_request
def refuse_other_machines() -> None:
    """Answer 404 to clients of other machines: the lab reads the database as its owner."""
    try:
        address = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        abort(404)
    if not (getattr(address, "ipv4_mapped", None) or address).is_loopback:
        abort(404)


@bp.errorhandler(SignetError)
def show_missing_service(error: SignetError) -> tuple[str, int]:
    """Name the service that the page needs, and the next step."""
    log.warning("lab: %s %s", error.message, error.detail)
    return render_template("lab/trouble.html", problem=f"{error.message} {error.hint}"), 503


@bp.errorhandler(psycopg.Error)
def show_database_error(error: psycopg.Error) -> tuple[str, int]:
    """Show what PostgreSQL refuses: a view that fails, a value that no type takes."""
    message = error.diag.message_primary or str(error)
    return render_template(
        "lab/trouble.html", problem=f"PostgreSQL refuses ({error.sqlstate}): {message}"
    ), 422


@bp.app_template_global("lab_pages")
def lab_pages() -> list[tuple[str, str]]:
    """Return (endpoint, label) of the lab's pages, for its navigation."""
    return [
        ("lab.overview", "Tour"),
        ("lab.policies", "Policies"),
        ("lab.keys_page", "Keys"),
        ("lab.token", "Token"),
        ("lab.sessions_page", "Sessions"),
    ]


@bp.get("/")
@public
def overview() -> str:
    """Show the tour and how far the reader is."""
    with transaction() as connection:
        facts = tour.facts(connection, current_identity())
    done = tour.progress(session, facts)
    return render_template("lab/overview.html", steps=tour.STEPS, done=done)


@bp.get("/policies")
@public
def policies() -> Page:
    """Show the form of the playground."""
    return _playground(presentation.read_choices(request.args), has_run=False)


@bp.post("/policies")
@public
def run_policies() -> Page:
    """Run one operation as one person, rolled back, and explain it."""
    choices = presentation.read_choices(request.form)
    if choices.change:
        session["lab_broke"] = True
    return _playground(choices, has_run=True)


def _playground(choices: presentation.Choices, *, has_run: bool) -> Page:
    with transaction() as connection:
        tables = catalog.relations(connection)
        relation = catalog.relation(connection, choices.table or (tables[0].full_name if tables else ""))
        page: dict[str, Any] = {
            "choices": choices,
            "tables": tables,
            "relation": relation,
            "people": catalog.people(connection, _own_id()),
            "operations": attempts.OPERATIONS,
            "signed_out": SIGNED_OUT,
            "custom": CUSTOM,
        }
        if relation is None:
            return render_template("lab/policies.html", **page)
        page["rows"] = presentation.row_labels(relation, catalog.rows_of(connection, relation))
        page["changes"] = changes.changes(relation)
        page["before"] = matrix(connection, relation)
        problem = None
        if has_run:
            try:
                page |= _run(connection, relation, choices)
            except BadChoice as error:
                problem = error
        html = render_template("lab/policies.html", problem=problem, **page)
    return (html, 422) if problem else html


def _own_id() -> str | None:
    identity = current_identity()
    return str(identity.user_id) if identity else None


def _run(
    connection: Connection[Any], relation: catalog.Relation, choices: presentation.Choices
) -> dict[str, Any]:
    """Return what the page shows of one run; everything is inside the open transaction."""
    found: dict[str, Any] = {}
    if choices.change:
        known = {(one.rule.id, one.object) for one in judge(connection)}
        found["change"] = changes.apply(connection, relation, choices.change)
        found["findings"] = [one for one in judge(connection) if (one.rule.id, one.object) not in known]
        changed = catalog.relation(connection, relation.full_name)
        assert changed is not None  # noqa: S101 - no change drops the table
        relation = changed
        found["after"] = matrix(connection, relation)
        view = catalog.relation(connection, f"{relation.schema}.{changes.VIEW}")
        found["view_after"] = matrix(connection, view) if view else None
    caller = caller_of(
        connection, Who(choices.who, choices.claims, choices.session_ended, choices.second_factor)
    )
    attempt = attempts.Attempt(choices.operation, choices.key(), choices.assignments())
    explanation = playground.explain(connection, relation, caller, attempt)
    found["relation"] = relation
    found["explanation"] = explanation
    found["verdict"] = presentation.verdict(explanation, relation, choices.operation)
    found["sql"] = presentation.script(caller, explanation.outcome.statement)
    found["kit"] = presentation.kit_row(caller, explanation.outcome)
    found["http"] = presentation.http_request(relation, attempt)
    if choices.wants_speed:
        found["speed"] = speed.measure(connection, caller)
    return found


@bp.get("/token")
@public
def token() -> str:
    """Show the empty inspector."""
    return render_template("lab/token.html", broken=broken_tokens.BROKEN)


@bp.post("/token")
@public
def inspect_token() -> tuple[str, int] | str:
    """Inspect a pasted token, one's own, or one that is broken on purpose."""
    verifier = current_gatekeeper().sessions.verifier
    now = time.time()
    try:
        published = verifier.key_set().keys
    except KeysUnavailable:
        published = {}
    states = dict.fromkeys(published, "published")
    key_set = {**published, broken_tokens.KID: broken_tokens.lab_key()}
    states[broken_tokens.KID] = "the lab's own key: no request accepts it"
    text = _chosen_token(verifier.expected, now)
    if not text:
        return render_template("lab/token.html", broken=broken_tokens.BROKEN, is_missing=True), 422
    inspection = inspector.inspect(text, key_set, verifier.expected, now, states)
    with transaction() as connection:
        row = presentation.session_row(connection, inspection.session_id)
    return render_template(
        "lab/token.html", broken=broken_tokens.BROKEN, text=text, inspection=inspection, session_row=row
    )


def _chosen_token(expected: Any, now: float) -> str:
    """Return the token that the form asks for."""
    identity = current_identity()
    kind = request.form.get("broken", "")
    if kind in broken_tokens.BROKEN:
        if identity is not None:
            good = identity.access_token
            claims: Mapping[str, Any] = read_object(decode_segment(good.split(".")[1]))
        else:
            claims = broken_tokens.sample_claims(expected, now)
            good = broken_tokens.make_good(claims)
        return broken_tokens.make_broken(kind, claims, good)
    if "mine" in request.form and identity is not None:
        return identity.access_token
    return "".join(request.form.get("token", "").split())


@bp.get("/keys")
@public
def keys_page() -> str:
    """Show the keys by state and what becomes of tokens."""
    return _keys_page()


@bp.post("/keys")
@public
def change_keys() -> tuple[str, int] | str | Response:
    """Show what an action will do; with ``confirmed``, do it."""
    action, kid = request.form.get("action", ""), request.form.get("kid", "")
    if action not in ("create", "rotate", "revoke", "restore", "delete"):
        abort(400)
    project = current_lab().project()
    try:
        words = keys.consequences(action, keys.read_keys(project), kid, token_life_of(project))
        problem = keys.missing_acknowledgement(action, kid, request.form)
        if "confirmed" not in request.form or problem:
            page = _keys_page(action=action, kid=kid, consequences=words, problem=problem)
            return (page, 422) if "confirmed" in request.form else page
        keys.perform(project, action, kid)
    except SignetError as error:
        return _keys_page(refusal=error), 409
    if action == "rotate":
        session["lab_rotated"] = True
    return redirect(url_for("lab.keys_page"), 303)


def _keys_page(**more: Any) -> str:
    identity = current_identity()
    lab = current_lab()
    project = lab.project()
    found, life = keys.read_keys(project), token_life_of(project)
    own_kid = ""
    if identity is not None:
        own_kid = str(read_object(decode_segment(identity.access_token.split(".")[0])).get("kid", ""))
        lab.seen_tokens.note(identity.user_id, own_kid, identity.access_token)
    verifier = current_gatekeeper().sessions.verifier
    try:
        snapshot = verifier.key_set()
        age = presentation.monotonic_age(snapshot.fetched_at)
        published = sorted(snapshot.keys)
    except KeysUnavailable:
        age, published = None, []
    rows = keys.key_rows(found, life)
    return render_template(
        "lab/keys.html",
        rows=rows,
        primary=keys.primary_action(found),
        probes=keys.probes(lab.seen_tokens, identity) if identity else [],
        timeline=presentation.timeline(rows, life),
        life=life,
        own_kid=own_kid,
        age=age,
        published=published,
        cached_tokens=verifier.cached_tokens,
        breaker=current_gatekeeper().breaker,
        missing_states=[state for state in keys.ORDER if state not in {key["status"] for key in found}],
        key_set_url=f"{current_gatekeeper().settings.supabase_url}/auth/v1/.well-known/jwks.json",
        **more,
    )


@bp.get("/sessions")
@public
def sessions_page() -> str:
    """Show one's own sessions as the database has them."""
    return _sessions_page([])


@bp.post("/sessions")
@public
def try_sessions() -> tuple[str, int] | str | Response:
    """Set a limit, refresh, refresh twice at once, or replay an old refresh token."""
    action = request.form.get("action", "")
    project = current_lab().project()
    if action in ("timebox", "inactivity", "restore"):
        for name in sessions.LIMITS:
            sessions.set_limit(project, name, 0)
        if action != "restore":
            session["lab_limited"] = True
            sessions.set_limit(project, sessions.LIMITS[action == "inactivity"], sessions.LIMIT)
        return redirect(url_for("lab.sessions_page"), 303)
    stored = sessions.stored_session()
    if current_identity() is None or stored is None:
        return _sessions_page([], is_signed_out=True), 422
    old = stored.tokens.refresh_token
    if action == "refresh":
        results = [sessions.exchange(old, "one exchange")]
    elif action == "twice":
        results = sessions.exchange_twice(old)
    elif action == "replay":
        results = sessions.replay(project, old)
    else:
        abort(400)
    newest = next((one.tokens for one in reversed(results) if one.tokens), None)
    if newest is not None:
        _keep(newest)
    return _sessions_page(results)


def _keep(tokens: SessionTokens) -> None:
    """Store the exchanged tokens in the cookie, and keep Flask's own session for the page's forms."""
    kept = dict(session)
    start_session(tokens)
    session.update(kept)


def _sessions_page(results: list[sessions.Exchange], *, is_signed_out: bool = False) -> str:
    identity = current_identity()
    with transaction() as connection:
        rows = sessions.own_sessions(connection, str(identity.user_id)) if identity else []
    return render_template(
        "lab/sessions.html",
        rows=rows,
        limits=sessions.limits(current_lab().project()),
        limit=sessions.LIMIT,
        results=results,
        is_signed_out=is_signed_out,
        own_session=str(identity.session_id) if identity else "",
    )


@contextmanager
def transaction() -> Iterator[Connection[Any]]:
    """Open a transaction on the lab's connection that is always rolled back."""
    with current_lab().connect() as connection:
        try:
            yield connection
        finally:
            connection.rollback()


@bp.app_template_filter("lab_json")
def lab_json(value: Any) -> str:
    """Return a value as indented JSON text."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
