"""Drafts: what was typed into a form whose session had ended comes back after the next login.

Trust boundary: a draft is kept in Flask's signed session cookie together with the id of its author, and is
restored for no other account. Passwords, codes and tokens are never kept.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from flask import Flask, Response, g, request, session, url_for

from flask_signet.gatekeeper import Identity

KEEP_SECONDS = 30 * 60
MAX_BYTES = 2000  # as JSON: the session cookie must stay below the 4 kB that browsers accept
_AUTHOR = "author"
_DRAFT = "draft"
_SECRET_NAMES = ("password", "token", "code")


@dataclass(frozen=True, slots=True)
class Draft:
    """The fields of one form, by the path that it posts to."""

    author: str
    path: str
    fields: dict[str, str]
    kept_at: int  # unix seconds


def register(app: Flask) -> None:
    """Keep drafts of an app's forms; to be called before the gatekeeper, which empties the session."""
    app.before_request(_remember_author)
    app.after_request(_keep_draft)


def set_author(identity: Identity, draft: Draft | None) -> None:
    """Note who uses this browser, after the session was started; keep the draft if it is theirs."""
    session[_AUTHOR] = str(identity.user_id)
    if draft is not None and draft.author == session[_AUTHOR]:
        _store(draft)


def pending_draft() -> Draft | None:
    """Return the draft that this browser keeps, None if there is none or it is too old."""
    match session.get(_DRAFT):
        case [str(author), str(path), dict(fields), int(kept_at)]:
            return Draft(author, path, fields, kept_at) if time.time() - kept_at <= KEEP_SECONDS else None
    return None


def take_draft(path: str) -> dict[str, str]:
    """Return the fields of the draft for a path, once; empty if there is none."""
    draft = pending_draft()
    if draft is None or draft.path != path:
        return {}
    session.pop(_DRAFT)
    return draft.fields


def _remember_author() -> None:
    g.draft_author = session.get(_AUTHOR) if request.method == "POST" else None


def _keep_draft(response: Response) -> Response:
    author = g.get("draft_author")
    if not author or response.status_code != 303 or request.endpoint == "auth.logout":
        return response
    if (response.location or "").partition("?")[0] != url_for("auth.login"):
        return response
    names = [name for name in request.form if not any(secret in name for secret in _SECRET_NAMES)]
    fields = {name: request.form[name] for name in names}
    if fields and len(json.dumps(fields)) <= MAX_BYTES:
        _store(Draft(author, request.path, fields, int(time.time())))
    return response


def _store(draft: Draft) -> None:
    session[_DRAFT] = [draft.author, draft.path, draft.fields, draft.kept_at]
