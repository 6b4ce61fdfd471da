"""Auth's errors: status, code and words as the hosted service has them, in both shapes of its error bodies.

Clients that name API version 2024-01-01 or later get the newer shape. Source: the Auth server's protocol.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg

API_VERSION = "2024-01-01"
VERSION_HEADER = "X-Supabase-Api-Version"
CODE_HEADER = "x-sb-error-code"


class AuthError(Exception):
    """One refusal; ``keeps_changes`` commits what was written until then, ``detail`` is for the log only."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        weak_reasons: tuple[str, ...] | None = None,
        headers: Mapping[str, str] | None = None,
        keeps_changes: bool = False,
        detail: str = "",
    ) -> None:
        self.detail = detail
        self.status = status
        self.code = code
        self.message = message
        self.weak_reasons = weak_reasons
        self.headers = dict(headers or {})
        self.keeps_changes = keeps_changes
        super().__init__(message)


class DatabaseFailure(AuthError):
    """A statement that the database refused; ``message`` is the hosted service's sentence for the operation.

    Its cause is the psycopg error: an exception that a trigger raised on purpose is shown in its own words.
    """

    def __init__(self, message: str) -> None:
        super().__init__(500, "unexpected_failure", message)

    def named(self, message: str) -> DatabaseFailure:
        """Return the same failure with the sentence of another operation."""
        return DatabaseFailure(message)


@contextmanager
def failing_as(message: str) -> Iterator[None]:
    """Raise DatabaseFailure with a sentence for a statement that the database refuses.

    Time-outs and lost connections pass: they are answered as 504 and 500 for every operation alike.
    """
    try:
        yield
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        raise DatabaseFailure(message) from error


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
