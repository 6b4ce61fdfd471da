"""Every error of the data API in words: PostgREST's own, and PostgreSQL's SQLSTATEs by code or class."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from app.errors import (
    AppError,
    Conflict,
    InputRejected,
    Misconfigured,
    NotAllowed,
    NotFound,
    ServiceUnavailable,
    SignInRefused,
    TooManyAttempts,
)
from app.service_errors.auth_codes import SESSION_ENDED
from app.service_errors.words import Words, words_for

Operation = Literal["read", "create", "change", "delete"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was tried: one operation on one table."""

    operation: Operation
    table: str


BUSY = Words(
    ServiceUnavailable, "The database is busy.", "Nothing was changed. Try again in a moment.", "busy"
)
DOWN = Words(
    ServiceUnavailable,
    "The database is not answering.",
    "Nothing was changed. Try again in a moment.",
    "down",
)
BROKEN = Words(Misconfigured, "The database could not do this.", Misconfigured.hint, "database_fault")
MISSING = Words(
    Misconfigured,
    "The database is not as this version of the site expects it.",
    "The site's owner must apply the migrations: flask db upgrade",
    "migrations_missing",
)
BAD_QUERY = Words(
    Misconfigured, "This site asked its database something that it does not understand.", code="query_refused"
)
NOT_SUPPORTED = Words(
    Misconfigured, "This site asked its database for something that is switched off.", code="not_supported"
)
KEY_REFUSED = Words(
    Misconfigured, "The data API does not accept this site's key.", Misconfigured.hint, "key_refused"
)
SESSION_REFUSED = Words(
    SignInRefused,
    "The database does not accept your session.",
    "Sign out and log in again.",
    "session_refused",
)
GONE = Words(
    NotFound, "There is no such row, or you may not see it.", "It may have been deleted.", "row_not_found"
)
BAD_VALUE = Words(
    InputRejected, "The database does not accept a value.", "Check what you entered.", "bad_value"
)
TAKEN = Words(
    Conflict, "There is already a row like this.", "Look at what is stored now.", "unique_violation"
)
STILL_USED = Words(
    Conflict,
    "Something else still refers to this, or is not there.",
    "Reload the page.",
    "reference_violation",
)
SLOW = Words(ServiceUnavailable, "The database took too long.", "Try again in a moment.", "timeout")
READ_ONLY = Words(
    ServiceUnavailable, "Nothing can be changed at the moment.", "Try again later.", "read_only"
)

# What the migrations raise for an ended session, and the restrictive policy of every table.
ENDED_SESSION = re.compile(r"This session has ended|policy \"Only while the session lives\"")

PGRST_WORDS: Mapping[str, Words] = {
    **words_for("PGRST000 PGRST001 PGRST002 PGRST003", DOWN),
    **words_for("PGRST100 PGRST101 PGRST102 PGRST105 PGRST107 PGRST108", BAD_QUERY),
    **words_for("PGRST114 PGRST115 PGRST117 PGRST118 PGRST120 PGRST122", BAD_QUERY),
    **words_for("PGRST125 PGRST128 PGRST200 PGRST201 PGRST203", BAD_QUERY),
    **words_for("PGRST106 PGRST123 PGRST126 PGRST127", NOT_SUPPORTED),
    **words_for("PGRST202 PGRST204 PGRST205", MISSING),
    **words_for("PGRST111 PGRST112 PGRST121 PGRST300", BROKEN),
    **words_for("PGRST301 PGRST302 PGRST303", SESSION_REFUSED),
    "PGRST103": Words(NotFound, "This list has no such page.", "Go back to its beginning.", "no_such_page"),
    "PGRST116": GONE,
    "PGRST124": Words(
        Conflict, "This would change more rows than meant.", "Nothing was changed.", "too_many_rows"
    ),
}
SQLSTATE_WORDS: Mapping[str, Words] = {
    "23502": BAD_VALUE,
    "23503": STILL_USED,
    "23505": TAKEN,
    "23514": BAD_VALUE,
    "25006": READ_ONLY,
    "42703": MISSING,
    "42704": MISSING,
    "42883": MISSING,
    "42P01": MISSING,
    "57014": SLOW,
    "57P01": DOWN,
}
CLASS_WORDS: Mapping[str, Words] = {
    "08": DOWN,
    "22": BAD_VALUE,
    "23": BAD_VALUE,
    "28": SESSION_REFUSED,
    "40": BUSY,
    "53": BUSY,
    "55": BUSY,
    **words_for("0L 0P", NOT_SUPPORTED),
    **words_for("09 21 25 2D 38 39 3B 42 54 57", BROKEN),
    **words_for("58 F0 HV P0 XX", BROKEN),
}


def explain_data_api(code: str, message: str, attempt: Attempt | None = None) -> AppError:
    """Return the error for an answer of the data API, whose ``code`` is PGRSTnnn, a SQLSTATE or a status."""
    tried = f"{attempt.operation} {attempt.table}: " if attempt else ""
    detail = f"data API answered {code}: {tried}{message}"
    if code == "PT401" or ENDED_SESSION.search(message):
        return SESSION_ENDED.error(code, detail)
    if code == "42501":
        return _refusal(message, attempt, detail)
    if code == "P0001":  # raised on purpose by a function or trigger, in words meant for the caller
        return InputRejected(
            message, code="refused_by_database", hint="Check what you entered.", detail=detail
        )
    words = PGRST_WORDS.get(code) or SQLSTATE_WORDS.get(code) or _by_status_or_class(code)
    return words.error(code, detail, 5 if words.kind is ServiceUnavailable else None)


def _by_status_or_class(code: str) -> Words:
    """Return the words for a bare HTTP status (an answer without PostgREST's body) or a SQLSTATE's class."""
    if code in ("", "401", "403"):
        return KEY_REFUSED
    if re.fullmatch(r"[1-5][0-9]{2}|PT[1-5][0-9]{2}", code):
        status = int(code[-3:])
        if status >= 500:
            return DOWN
        return Words(TooManyAttempts, "Too many requests.") if status == 429 else BAD_QUERY
    return CLASS_WORDS.get(code[:2], BROKEN) if len(code) == 5 else BROKEN


def _refusal(message: str, attempt: Attempt | None, detail: str) -> NotAllowed:
    """Say which operation on which table was refused, and whether a policy or a missing grant refused it."""
    what = f"{attempt.operation} rows of the table “{attempt.table}”" if attempt else "do this"
    if "row-level security" in message:
        return NotAllowed(
            f"The policies of the database do not let you {what} like this.",
            code="refused_by_policy",
            hint="You may change only what is yours. If you were signed out elsewhere, log in again.",
            detail=detail,
        )
    return NotAllowed(
        f"The database does not let you {what}.",
        code="no_grant",
        hint="The role of signed-in people was not granted this operation.",
        detail=detail,
    )
