"""Every code of Auth and of the data API has words, a status and a next step."""

from __future__ import annotations

from typing import get_args

import httpx
import pytest
from postgrest import APIError
from pydantic import ValidationError
from supabase_auth.errors import (
    AuthApiError,
    AuthError,
    AuthRetryableError,
    AuthUnknownError,
    AuthWeakPasswordError,
    ErrorCode,
)
from supabase_auth.types import User

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
from app.service_errors import Attempt, explain_auth, explain_data_api, explained, explained_as_user
from app.service_errors.auth_codes import TROUBLE
from flask_signet.gatekeeper import SessionEnded

# The Auth server's list, with the status that it answers.
AUTH_CODES = {
    "bad_json": 400,
    "validation_failed": 400,
    "invalid_credentials": 400,
    "email_not_confirmed": 400,
    "phone_not_confirmed": 400,
    "user_banned": 400,
    "refresh_token_not_found": 400,
    "refresh_token_already_used": 400,
    "session_expired": 400,
    "session_not_found": 403,
    "flow_state_not_found": 404,
    "flow_state_expired": 422,
    "bad_code_verifier": 400,
    "no_authorization": 401,
    "bad_jwt": 403,
    "not_admin": 403,
    "insufficient_aal": 401,
    "user_not_found": 403,
    "user_already_exists": 422,
    "email_exists": 422,
    "phone_exists": 422,
    "signup_disabled": 422,
    "email_provider_disabled": 422,
    "phone_provider_disabled": 422,
    "anonymous_provider_disabled": 422,
    "otp_disabled": 422,
    "user_sso_managed": 422,
    "same_password": 422,
    "weak_password": 422,
    "reauthentication_needed": 400,
    "reauthentication_not_valid": 422,
    "current_password_required": 400,
    "current_password_invalid": 400,
    "otp_expired": 403,
    "captcha_failed": 400,
    "email_address_invalid": 400,
    "email_address_not_authorized": 400,
    "over_request_rate_limit": 429,
    "over_email_send_rate_limit": 429,
    "over_sms_send_rate_limit": 429,
    "conflict": 409,
    "request_entity_too_large": 413,
    "request_timeout": 504,
    "feature_disabled": 404,
    "hook_timeout": 422,
    "hook_timeout_after_retry": 422,
    "hook_payload_over_size_limit": 422,
    "hook_payload_invalid_content_type": 400,
    "unexpected_failure": 500,
}
MEANT_AS_TROUBLE = {
    "unexpected_failure",
    "request_timeout",
    "hook_timeout",
    "hook_timeout_after_retry",
    "hook_payload_over_size_limit",
    "hook_payload_invalid_content_type",
}
KINDS = {
    "08006": ServiceUnavailable,
    "09000": Misconfigured,
    "0L000": Misconfigured,
    "0P000": Misconfigured,
    "21000": Misconfigured,
    "22023": InputRejected,
    "22P02": InputRejected,
    "23502": InputRejected,
    "23503": Conflict,
    "23505": Conflict,
    "23514": InputRejected,
    "25006": ServiceUnavailable,
    "28P01": SignInRefused,
    "2D000": Misconfigured,
    "38000": Misconfigured,
    "39000": Misconfigured,
    "3B000": Misconfigured,
    "40001": ServiceUnavailable,
    "53300": ServiceUnavailable,
    "54000": Misconfigured,
    "55P03": ServiceUnavailable,
    "57014": ServiceUnavailable,
    "57P01": ServiceUnavailable,
    "58000": Misconfigured,
    "F0000": Misconfigured,
    "HV000": Misconfigured,
    "XX000": Misconfigured,
    "P0001": InputRejected,
    "P0002": Misconfigured,
    "42883": Misconfigured,
    "42P01": Misconfigured,
    "42P17": Misconfigured,
    "42501": NotAllowed,
    "42703": Misconfigured,
    "428C9": Misconfigured,
    "PT503": ServiceUnavailable,
    "PT429": TooManyAttempts,
    "PT418": Misconfigured,
    "406": Misconfigured,
    "502": ServiceUnavailable,
    "429": TooManyAttempts,
    "401": Misconfigured,
    "": Misconfigured,
    "nonsense": Misconfigured,
} | {
    f"PGRST{number}": kind
    for numbers, kind in {
        "000 001 002 003": ServiceUnavailable,
        "100 101 102 105 106 107 108 111 112 114 115 117 118 120 121 122 123": Misconfigured,
        "125 126 127 128 200 201 202 203 204 205 300": Misconfigured,
        "103 116": NotFound,
        "124": Conflict,
        "301 302 303": SignInRefused,
    }.items()
    for number in numbers.split()
}


@pytest.mark.parametrize(("code", "status"), AUTH_CODES.items(), ids=AUTH_CODES)
def test_each_code_of_the_auth_server_has_its_own_words(code: str, status: int) -> None:
    error = explain_auth(code, status, "text from the service")
    assert (error.message == TROUBLE.message) == (code in MEANT_AS_TROUBLE)
    assert "text from the service" not in error.message or code == "weak_password"
    assert f"{status} {code}: text from the service" in error.detail


@pytest.mark.parametrize("code", get_args(ErrorCode))
def test_each_code_that_the_client_knows_has_words_of_its_own(code: str) -> None:
    error = explain_auth(code, 400, "")
    assert (error.message == TROUBLE.message) == (code in MEANT_AS_TROUBLE)


@pytest.mark.parametrize(("code", "kind"), KINDS.items(), ids=[code or "(none)" for code in KINDS])
def test_each_code_of_the_data_api_becomes_the_right_kind(code: str, kind: type[AppError]) -> None:
    error = explain_data_api(code, "text from the service", Attempt("read", "profiles"))
    assert type(error) is kind
    assert error.message
    assert f"{code}: read profiles: text from the service" in error.detail
    assert (error.retry_after is not None) == (kind is ServiceUnavailable)


def test_a_closed_account_and_an_unknown_one_read_alike() -> None:
    """Auth says `user_banned` before it looks at the password; whoever asks must not learn of the account."""
    banned, wrong = (explain_auth(code, 400, "") for code in ("user_banned", "invalid_credentials"))
    assert (banned.code, banned.message, banned.hint) == (wrong.code, wrong.message, wrong.hint)


@pytest.mark.parametrize(
    ("message", "header", "seconds"),
    [
        ("For security purposes, you can only request this after 42 seconds.", None, 42),
        ("For security purposes, you can only request this after 42 seconds.", 7, 7),
        ("Request rate limit reached", None, 60),
    ],
    ids=["in the message", "in the header", "nowhere"],
)
def test_a_limit_says_how_long_to_wait(message: str, header: int | None, seconds: int) -> None:
    error = explain_auth("over_email_send_rate_limit", 429, message, header)
    assert isinstance(error, TooManyAttempts)
    assert error.retry_after == seconds


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        (None, 401, Misconfigured),
        (None, 403, Misconfigured),
        (None, 404, Misconfigured),
        (None, 429, TooManyAttempts),
        (None, 500, ServiceUnavailable),
        (None, 0, ServiceUnavailable),
        ("brand_new_code", 418, ServiceUnavailable),
    ],
    ids=["gateway 401", "gateway 403", "gateway 404", "gateway 429", "500", "not Auth", "a code of tomorrow"],
)
def test_an_answer_without_a_known_code(code: str | None, status: int, kind: type[AppError]) -> None:
    assert type(explain_auth(code, status, "")) is kind


@pytest.mark.parametrize("operation", ["read", "create", "change", "delete"])
def test_a_refusal_names_operation_and_table(operation: str) -> None:
    message = 'new row violates row-level security policy for table "profiles"'
    by_policy = explain_data_api("42501", message, Attempt(operation, "profiles"))  # type: ignore[arg-type]
    assert by_policy.code == "refused_by_policy"
    assert f"{operation} rows of the table “profiles”" in by_policy.message
    by_grant = explain_data_api("42501", "permission denied for table profiles", Attempt("read", "profiles"))
    assert by_grant.code == "no_grant"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("PT401", "This session has ended."),
        ("PT401", "Unauthorized"),
        ("42501", "This session has ended."),
        (
            "42501",
            'new row violates row-level security policy "Only while the session lives" for table "notes"',
        ),
    ],
)
def test_an_ended_session_is_recognised_by_what_the_database_raises(code: str, message: str) -> None:
    assert explain_data_api(code, message, Attempt("create", "notes")).code == "session_ended"
    with pytest.raises(SessionEnded), explained_as_user():
        raise APIError({"code": code, "message": message, "hint": None, "details": None})


def test_a_function_of_the_database_speaks_for_itself() -> None:
    assert explain_data_api("P0001", "A display name must not be empty.").message == (
        "A display name must not be empty."
    )


def limited() -> AuthApiError:
    """Return Auth's 429 as the package raises it: the answer hangs on the error as its cause."""
    error = AuthApiError("Request rate limit reached", 429, "over_request_rate_limit")  # type: ignore[arg-type]
    answer = httpx.Response(429, headers={"Retry-After": "9"})
    error.__cause__ = httpx.HTTPStatusError("429", request=httpx.Request("POST", "http://x"), response=answer)
    return error


def misshapen() -> ValidationError:
    """Return what the package raises when a 200 holds something else than a user."""
    with pytest.raises(ValidationError) as caught:
        User.model_validate_json("{}")
    return caught.value


@pytest.mark.parametrize(
    ("raised", "kind", "code"),
    [
        (AuthRetryableError("", 0), ServiceUnavailable, "service_unavailable"),
        (AuthUnknownError("<html>", ValueError()), ServiceUnavailable, "unknown"),
        (AuthApiError("", 400, "invalid_credentials"), SignInRefused, "invalid_credentials"),
        (AuthWeakPasswordError("At least 12.", 422, ["length"]), InputRejected, "weak_password"),
        (AuthError("", None), ServiceUnavailable, "unknown"),
        (APIError({"code": "23505", "message": "duplicate key"}), Conflict, "unique_violation"),
        (APIError({"message": "Invalid API key"}), Misconfigured, "key_refused"),
        (httpx.ConnectError("refused"), ServiceUnavailable, "service_unavailable"),
        (misshapen(), ServiceUnavailable, "service_unavailable"),
        (limited(), TooManyAttempts, "over_request_rate_limit"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_what_the_package_raises_becomes_ours(raised: Exception, kind: type[AppError], code: str) -> None:
    with pytest.raises(kind) as caught, explained(Attempt("create", "profiles")):
        raise raised
    assert caught.value.code == code
    assert caught.value.__cause__ is raised


def test_the_wait_is_read_from_the_answer() -> None:
    with pytest.raises(TooManyAttempts) as caught, explained():
        raise limited()
    assert caught.value.retry_after == 9


def test_our_own_errors_pass_unchanged() -> None:
    error = NotFound()
    with pytest.raises(NotFound) as caught, explained():
        raise error
    assert caught.value is error
