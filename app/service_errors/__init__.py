"""What Auth and the data API answer when they refuse, turned into this app's own errors.

Trust boundary: a service's code is looked up, its text goes to the log. The text is shown only where it holds
a rule that nothing else tells: what a password must be, or what a function of the database objects to.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from app.errors import ServiceUnavailable
from app.service_errors.auth_codes import explain_auth
from app.service_errors.data_api_codes import Attempt, Operation, explain_data_api

__all__ = ["Attempt", "Operation", "explain_auth", "explain_data_api", "explained"]

UNHARMED = "Nothing was changed. Try again in a moment."


@contextmanager
def explained(attempt: Attempt | None = None) -> Iterator[None]:
    """Raise an AppError in place of whatever the `supabase` package raises inside the block.

    ``attempt`` says what was tried on which table, for the words of a refusal by the data API.
    """
    # Imported here because `supabase` is heavy and loaded on first need; by now it is needed.
    from postgrest import APIError
    from pydantic import ValidationError
    from supabase_auth.errors import AuthError, AuthRetryableError

    try:
        yield
    except AuthRetryableError as error:
        raise _unavailable("sign-in", error) from error
    except AuthError as error:
        raise explain_auth(error.code, _status(error), error.message, _retry_after(error)) from error
    except APIError as error:
        raise explain_data_api(error.code or "", error.message or "", attempt) from error
    except httpx.HTTPError as error:
        raise _unavailable("data", error) from error
    except ValidationError as error:  # a 200 whose body is not what the service promises
        raise _unavailable("sign-in", error) from error


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


def _retry_after(error: Exception) -> int | None:
    """Return the seconds of a Retry-After header; the package keeps the answer only as the error's cause."""
    if not isinstance(error.__cause__, httpx.HTTPStatusError):
        return None
    value = error.__cause__.response.headers.get("Retry-After", "")
    return int(value) if value.isascii() and value.isdigit() else None
