"""Auth's errors: status, code and words as the hosted service has them, in both shapes of its error bodies.

Clients that name API version 2024-01-01 or later get the newer shape. Source: the Auth server's protocol.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

API_VERSION = "2024-01-01"
VERSION_HEADER = "X-Supabase-Api-Version"
CODE_HEADER = "x-sb-error-code"


class AuthError(Exception):
    """One refusal. ``keeps_changes`` says that what was written until then is committed all the same."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        weak_reasons: tuple[str, ...] | None = None,
        headers: Mapping[str, str] | None = None,
        keeps_changes: bool = False,
    ) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.weak_reasons = weak_reasons
        self.headers = dict(headers or {})
        self.keeps_changes = keeps_changes
        super().__init__(message)


def invalid(message: str, status: int = 400) -> AuthError:
    """Return the error for parameters that are missing or do not fit."""
    return AuthError(status, "validation_failed", message)


def bad_json(message: str) -> AuthError:
    """Return the error for a body that is not the JSON that was expected."""
    return AuthError(400, "bad_json", message)


def wants_new_shape(version: str | None) -> bool:
    """Whether a request's API version asks for the newer error bodies."""
    return bool(version and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", version) and version >= API_VERSION)


def error_body(error: AuthError, *, is_new_shape: bool) -> dict[str, Any]:
    """Return the JSON body of an error."""
    body: dict[str, Any]
    if is_new_shape:
        body = {"code": error.code, "message": error.message}
    else:
        body = {"code": error.status, "error_code": error.code, "msg": error.message}
    if error.weak_reasons is not None:
        body["weak_password"] = {"reasons": list(error.weak_reasons)}
    return body


def error_headers(error: AuthError, *, is_new_shape: bool) -> dict[str, str]:
    """Return the headers that go with an error."""
    headers = dict(error.headers)
    if is_new_shape:
        headers[VERSION_HEADER] = API_VERSION
    # As on the hosted service, a weak password in the newer shape goes without.
    if not (is_new_shape and error.code == "weak_password"):
        headers[CODE_HEADER] = error.code
    return headers
