"""Every way in which the data API refuses, in PostgREST's words and with PostgreSQL's codes.

    RestError           code, status, message, details, hint, headers
    ├── raised by us    PGRST codes; the status belongs to the code
    └── from_postgres   SQLSTATE, primary message, detail and hint passed through

Nothing of a failed statement reaches the caller but these four texts.
"""

from __future__ import annotations

import json
from dataclasses import KW_ONLY, dataclass
from http import HTTPStatus
from typing import Any

import psycopg

Headers = tuple[tuple[str, str], ...]
_STATUSES = {status.value for status in HTTPStatus}

STATUS = {
    "PGRST000": 503, "PGRST001": 503, "PGRST002": 503, "PGRST003": 504,
    "PGRST100": 400, "PGRST101": 405, "PGRST102": 400, "PGRST103": 416, "PGRST105": 405, "PGRST106": 406,
    "PGRST107": 406, "PGRST108": 400, "PGRST111": 500, "PGRST112": 500, "PGRST114": 400, "PGRST115": 400,
    "PGRST116": 406, "PGRST117": 405, "PGRST118": 400, "PGRST119": 400, "PGRST120": 400, "PGRST121": 500,
    "PGRST122": 400, "PGRST123": 400, "PGRST124": 400, "PGRST125": 404, "PGRST127": 400,
    "PGRST128": 400,
    "PGRST200": 400, "PGRST201": 300, "PGRST202": 404, "PGRST203": 300, "PGRST204": 400, "PGRST205": 404,
    "PGRST301": 401, "PGRST302": 401, "PGRST303": 401,
}  # fmt: skip

_MESSAGE_RULE = (
    "MESSAGE must be a JSON object with obligatory keys: 'code', 'message'"
    " and optional keys: 'details', 'hint'."
)
_DETAIL_RULE = (
    "DETAIL must be a JSON object with obligatory keys: 'status', 'headers' and optional key: 'status_text'."
)

# The whole code decides before its class; what is not listed is 400.
SQLSTATE_STATUS = {
    "08": 503, "09": 500, "0L": 403, "0P": 403, "21000": 500, "23503": 409, "23505": 409, "25": 500,
    "25006": 405, "28": 403, "2D": 500, "38": 500, "39": 500, "3B": 500, "40": 500, "42883": 404,
    "42P01": 404, "42P17": 500, "53": 503, "53400": 500, "54": 500, "55": 500, "57": 500, "57P01": 503,
    "58": 500, "F0": 500, "HV": 500, "P0": 500, "P0001": 400, "XX": 500,
}  # fmt: skip


@dataclass(eq=False)
class RestError(Exception):
    """Raised when a request cannot be served; becomes the JSON error body."""

    code: str
    message: str
    _: KW_ONLY
    details: Any = None
    hint: str | None = None
    status: int = 0  # that of the code
    headers: Headers = ()
    reason: str | None = None  # another phrase than the standard one

    def __post_init__(self) -> None:
        super().__init__(self.message)
        self.status = self.status or STATUS[self.code]

    def body(self) -> bytes:
        """Return the JSON body; always all four keys."""
        content = {"code": self.code, "details": self.details, "hint": self.hint, "message": self.message}
        text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
        return text.encode(errors="replace")


def without_where(verb: str) -> RestError:
    """Return the error of pg-safeupdate for a DELETE or UPDATE without a WHERE clause."""
    return RestError("21000", f"{verb} requires a WHERE clause", status=400)


def from_postgres(error: psycopg.Error, *, is_anonymous: bool) -> RestError:
    """Translate what PostgreSQL (or the way to it) said."""
    if error.sqlstate is None:
        return RestError("PGRST001", "Database client error. Retrying the connection.")
    code, said = error.sqlstate, error.diag
    message = said.message_primary or ""
    if code == "PGRST":
        return _raised_by_hand(message, said.message_detail)
    status = _status(code, message, is_anonymous=is_anonymous)
    # The message of `RAISE SQLSTATE 'PTxyz'` is also the reason phrase.
    reason = message if code.startswith("PT") and is_header("x", message) else None
    headers = (("WWW-Authenticate", "Bearer"),) if status == 401 else ()
    details, hint = said.message_detail, said.message_hint
    return RestError(code, message, details=details, hint=hint, status=status, headers=headers, reason=reason)


def _status(code: str, message: str, *, is_anonymous: bool) -> int:
    if code.startswith("PT"):
        return int(code[2:]) if code[2:].isdecimal() and 200 <= int(code[2:]) < 600 else 500
    if code == "42501":
        return 401 if is_anonymous else 403
    if code == "22023" and message.startswith('role "') and message.endswith('" does not exist'):
        return 401
    if code == "21000" and message.endswith("requires a WHERE clause"):
        return 400
    return SQLSTATE_STATUS.get(code) or SQLSTATE_STATUS.get(code[:2], 400)


def phrase(status: int) -> str | None:
    """Return the standard reason phrase of a status, if it has one."""
    return HTTPStatus(status).phrase if status in _STATUSES else None


def _raised_by_hand(message: str, detail: str | None) -> RestError:
    """Build the whole reply from ``RAISE SQLSTATE 'PGRST'`` with MESSAGE and DETAIL as JSON, or PGRST121."""
    if detail is None:
        return _unreadable_raise("DETAIL is missing in the RAISE statement", _DETAIL_RULE)
    try:
        said = json.loads(message)
        code, text = str(said["code"]), str(said["message"])
        details, hint = said.get("details"), said.get("hint")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return _unreadable_raise(f"Invalid JSON value for MESSAGE: '{message}'", _MESSAGE_RULE)
    try:
        how = json.loads(detail)
        status, headers, reason = how["status"], tuple(how["headers"].items()), how.get("status_text")
        are_headers = all(is_header(*header) for header in headers) and is_header("x", reason or "")
        if not are_headers or not isinstance(status, int) or not 200 <= status < 600:
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return _unreadable_raise(f"Invalid JSON value for DETAIL: '{detail}'", _DETAIL_RULE)
    return RestError(code, text, details=details, hint=hint, status=status, headers=headers, reason=reason)


def _unreadable_raise(details: str, hint: str) -> RestError:
    message = "Could not parse JSON in the \"RAISE SQLSTATE 'PGRST'\" error"
    return RestError("PGRST121", message, details=details, hint=hint)


def is_header(name: object, value: object) -> bool:
    """Whether SQL code may send this header: printable ASCII only, so that it cannot split the response."""
    if not isinstance(name, str) or not isinstance(value, str):
        return False
    return bool(name) and f"{name}{value}".isascii() and f"{name}{value}".isprintable()
