"""Every error that a person can meet, as one tree.

AppError
├── InputRejected       400  the request itself is not acceptable
├── SignInRefused       400  the credentials or the account do not allow it
├── NotAllowed          403  a policy or the CSRF check said no
├── NotFound            404
├── Conflict            409  it changed in the meantime
├── TooManyAttempts     429  with the seconds to wait
├── ServiceUnavailable  503  Auth or the data API does not answer; try again
└── Misconfigured       503  settings, keys or migrations are wrong; the operator must act

An error carries a stable ``code``, an HTTP ``status``, a ``message`` for a person, a ``hint`` with the next
step, and a ``detail`` that goes to the log and nowhere else.
"""

from __future__ import annotations

import logging
import secrets

from signet_db.errors import SignetError

logger = logging.getLogger(__name__)


class AppError(SignetError):
    """Base of all errors that pages show; never raised itself."""

    status = 500

    def __init__(
        self,
        message: str | None = None,
        *,
        code: str | None = None,
        hint: str | None = None,
        detail: str = "",
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message, code=code, hint=hint, detail=detail)
        self.retry_after = retry_after  # seconds


class InputRejected(AppError):
    """Raised when the request cannot be accepted as it is."""

    code = "input_rejected"
    status = 400
    message = "This request could not be understood."


class SignInRefused(AppError):
    """Raised when credentials or the state of the account do not allow to sign in or up."""

    code = "sign_in_refused"
    status = 400
    message = "The e-mail or password is not right."


class NotAllowed(AppError):
    """Raised when a policy of the database, or the check against forged forms, refuses."""

    code = "not_allowed"
    status = 403
    message = "You are not allowed to do this."


class NotFound(AppError):
    """Raised when what was asked for is not there, or not visible to this person."""

    code = "not_found"
    status = 404
    message = "There is nothing here."


class Conflict(AppError):
    """Raised when the change contradicts what is stored by now."""

    code = "conflict"
    status = 409
    message = "This was changed in the meantime."


class TooManyAttempts(AppError):
    """Raised when a rate limit is reached; ``retry_after`` says how long to wait."""

    code = "too_many_attempts"
    status = 429
    message = "Too many attempts."


class ServiceUnavailable(AppError):
    """Raised when Auth or the data API does not answer; nothing was lost, trying again is right."""

    code = "service_unavailable"
    status = 503
    message = "The sign-in service is not answering."
    hint = "You are still signed in. Try again in a moment."


class Misconfigured(AppError):
    """Raised when the app is set up wrongly; only its operator can correct it."""

    code = "misconfigured"
    status = 503
    message = "This site is not set up correctly."
    hint = "Report it to the site's owner."


def log_error(error: AppError) -> str:
    """Write one log line for an error that a page or form shows; return the reference that finds it."""
    reference = secrets.token_hex(4)
    level = logging.ERROR if error.status >= 500 else logging.INFO
    logger.log(level, "%s %s reference=%s detail=%r", error.status, error.code, reference, error.detail)
    return reference
