"""Translation of the errors of Auth and the data API into the app's own.

Trust boundary: a service's code is looked up; its text goes to the log, and is shown only where it states
a rule that the app cannot know: the password policy, or what a database function or trigger raised.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from app.errors import AppError, ServiceUnavailable
from app.service_errors.auth_codes import SESSION_ENDED, explain_auth
from app.service_errors.data_api_codes import Attempt, Operation, explain_data_api
from flask_signet.gatekeeper import SessionEnded

__all__ = ["Attempt", "Operation", "explain_auth", "explain_data_api", "explained", "explained_as_user"]

UNHARMED = "Nothing was changed. Try again in a moment."


@contextmanager
def explained(attempt: Attempt | None = None) -> Iterator[None]:
    """Raise an AppError in place of every exception of the `supabase` package inside the block.

    ``attempt`` names the operation and the table, for the message of a refusal by the data API.
    """
    # Imported here because `supabase` is heavy; inside this block it is loaded anyway.
    from postgrest import APIError
    from pydantic import ValidationError
    from supabase_auth.errors import AuthError, AuthRetryableError

    try:
        yield
    except AuthRetryableError as error:
        raise _unavailable("sign-in", error) from error
    except AuthError as error:
        code = error.code or _sqlstate(error)
        raise explain_auth(code, _status(error), error.message, _retry_after(error)) from error
    except APIError as error:
        raise explain_data_api(error.code or "", error.message or "", attempt) from error
    except httpx.HTTPError as error:
        raise _unavailable("data", error) from error
    except ValidationError as error:  # a 200 whose body is not what the service promises
        raise _unavailable("sign-in", error) from error


@contextmanager
def explained_as_user(attempt: Attempt | None = None) -> Iterator[None]:
    """Like ``explained``, for calls with a user's token: raises SessionEnded when the session is over.

    The gatekeeper's error handler then signs out and redirects to the login page.
    """
    try:
        with explained(attempt):
            yield
    except AppError as error:
        if error.code == SESSION_ENDED.code:
            raise SessionEnded("ended_elsewhere") from error
        raise


def _unavailable(service: str, error: Exception) -> ServiceUnavailable:
    return ServiceUnavailable(
        f"The {service} service is not answering.",
        hint=UNHARMED,
        detail=f"{service}: {type(error).__name__}: {error}",
        retry_after=5,
    )


def _status(error: Exception) -> int:
    """Return the HTTP status of an Auth error; 0 when the answer was not one of Auth's at all."""
    return int(getattr(error, "status", 0))


def _sqlstate(error: Exception) -> str | None:
    """Return the SQLSTATE of an exception that a trigger on Auth's tables raised.

    Auth passes it on as `code` in its older error shape, which the package does not read.
    """
    if not isinstance(error.__cause__, httpx.HTTPStatusError):
        return None
    try:
        code = error.__cause__.response.json().get("code")
    except (AttributeError, ValueError):
        return None
    return code if isinstance(code, str) and re.fullmatch(r"[0-9A-Z]{5}", code) else None


def _retry_after(error: Exception) -> int | None:
    """Return the seconds of a Retry-After header; the package keeps the answer only as the error's cause."""
    if not isinstance(error.__cause__, httpx.HTTPStatusError):
        return None
    value = error.__cause__.response.headers.get("Retry-After", "")
    return int(value) if value.isascii() and value.isdigit() else None
