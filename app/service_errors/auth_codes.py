"""Every error code of Auth in words (source: the Auth server's list of codes and the client's).

`user_banned` reads like a wrong password, because Auth answers it before it looks at the password: anybody
could otherwise learn who has an account here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from app.errors import (
    AppError,
    Conflict,
    InputRejected,
    Misconfigured,
    NotAllowed,
    ServiceUnavailable,
    SignInRefused,
    TooManyAttempts,
)
from app.service_errors.words import Words, words_for

DEFAULT_WAIT_SECONDS = 60

WRONG_PAIR = Words(
    SignInRefused,
    "The e-mail or password is not right.",
    "Check both, or set a new password if you forgot it.",
    "invalid_credentials",
)
SESSION_ENDED = Words(SignInRefused, "Your session has ended.", "Log in again.", "session_ended")
NOT_OFFERED = Words(
    NotAllowed, "This way to sign in is not offered here.", "Use your e-mail and password.", "not_offered"
)
MISUNDERSTOOD = Words(
    Misconfigured, "This site and its sign-in service do not understand each other.", Misconfigured.hint
)
TROUBLE = Words(
    ServiceUnavailable, "The sign-in service has a problem.", "Nothing was changed. Try again in a moment."
)
LINK_DEAD = Words(
    InputRejected, "This link or code has expired or was already used.", "Ask for a new one.", "otp_expired"
)
WAIT = Words(TooManyAttempts, "Too many attempts.")
# A trigger or constraint on Auth's tables failed; the same request would fail again.
TRIGGER_FAILED = Words(
    Misconfigured,
    "The account could not be created or changed: the site's database refused it.",
    "Nothing was saved. The site's owner must look at it.",
    "auth_database_error",
)
DATABASE_ERROR = re.compile(r"Database error (?:saving|updating|deleting|creating|inviting) ")
RAISED = re.compile(r"P0001|PT[0-9]{3}")  # `raise exception` in a trigger: a text meant for the user

AUTH_WORDS: Mapping[str, Words] = {
    "invalid_credentials": WRONG_PAIR,
    "user_banned": WRONG_PAIR,
    "email_not_confirmed": Words(
        SignInRefused,
        "This e-mail address is not confirmed yet.",
        "Open the link in the mail that we sent you.",
    ),
    "phone_not_confirmed": Words(
        SignInRefused, "This phone number is not confirmed yet.", "Enter the code that we sent you."
    ),
    "user_already_exists": Words(
        Conflict,
        "There is already an account with this e-mail address.",
        "Log in, or set a new password if you forgot it.",
    ),
    "email_exists": Words(
        Conflict, "There is already an account with this e-mail address.", "Use another address."
    ),
    "phone_exists": Words(
        Conflict, "There is already an account with this phone number.", "Use another number."
    ),
    "signup_disabled": Words(
        NotAllowed,
        "New accounts cannot be made here at the moment.",
        "Ask the site's owner for an invitation.",
    ),
    "email_provider_disabled": Words(
        NotAllowed, "Signing in with an e-mail address is switched off here.", "Ask the site's owner."
    ),
    "otp_disabled": Words(
        NotAllowed, "No link can be mailed to this address.", "Log in with your password, or sign up."
    ),
    "weak_password": Words(InputRejected, "This password is too easy to guess.", "Choose a longer one."),
    "same_password": Words(InputRejected, "This is the password that you have now.", "Choose another one."),
    "reauthentication_needed": Words(
        NotAllowed, "You signed in too long ago to change this.", "Log in again, then repeat the change."
    ),
    "reauthentication_not_valid": LINK_DEAD,
    "current_password_required": Words(
        InputRejected, "Your present password is needed to change this.", "Enter it and try again."
    ),
    "current_password_invalid": Words(
        InputRejected, "The present password is not right.", "Enter it again, or ask for a new one by mail."
    ),
    "otp_expired": LINK_DEAD,
    "flow_state_not_found": LINK_DEAD,
    "flow_state_expired": LINK_DEAD,
    "bad_code_verifier": Words(
        InputRejected,
        "This link belongs to another browser.",
        "Open it in the browser in which you asked for it, or ask for a new one here.",
    ),
    "email_address_invalid": Words(
        InputRejected, "No mail can be sent to this address.", "Check the address, or use another one."
    ),
    "email_address_not_authorized": Words(
        Misconfigured,
        "This site cannot send mail to this address.",
        "The site's owner must set up a mail server of their own (custom SMTP) for the project.",
    ),
    "validation_failed": Words(
        InputRejected, "The sign-in service did not accept what was entered.", "Check the e-mail address."
    ),
    "captcha_failed": Words(
        Misconfigured,
        "The sign-in service asks for a captcha, which this site does not show.",
        "The site's owner must switch captcha protection off for the project.",
    ),
    "over_request_rate_limit": WAIT,
    "over_email_send_rate_limit": Words(TooManyAttempts, "Too many mails were asked for."),
    "over_sms_send_rate_limit": Words(TooManyAttempts, "Too many messages were asked for."),
    "conflict": Words(Conflict, "Two requests met on the same account.", "Try again."),
    "request_timeout": TROUBLE,
    "unexpected_failure": TROUBLE,
    "not_admin": Words(NotAllowed, "Only an administrator may do this."),
    "insufficient_aal": Words(
        NotAllowed,
        "This needs a second factor, which this site does not ask for.",
        "Ask the site's owner.",
    ),
    **words_for(
        "refresh_token_not_found refresh_token_already_used session_expired session_not_found user_not_found "
        "no_authorization bad_jwt invalid_jwt unexpected_audience",
        SESSION_ENDED,
    ),
    **words_for("bad_json request_entity_too_large", MISUNDERSTOOD),
    **words_for(
        "hook_timeout hook_timeout_after_retry hook_payload_over_size_limit "
        "hook_payload_invalid_content_type",
        TROUBLE,
    ),
    **words_for(
        "phone_provider_disabled anonymous_provider_disabled feature_disabled user_sso_managed "
        "manual_linking_disabled single_identity_not_deletable email_conflict_identity_not_deletable "
        "too_many_enrolled_mfa_factors reauth_nonce_missing invite_not_found",
        NOT_OFFERED,
    ),
}
# Second factors, social sign-in and single sign-on have codes of their own; this app offers none of them.
NOT_OFFERED_PREFIXES = ("mfa_", "saml_", "sso_", "oauth_", "bad_oauth_", "identity_", "provider_", "sms_")


def explain_auth(code: str | None, status: int, message: str, retry_after: int | None = None) -> AppError:
    """Return the error for an answer of Auth; ``status`` 0 means that the answer was not Auth's."""
    detail = f"auth answered {status} {code}: {message}"
    if code and RAISED.fullmatch(code):
        return InputRejected(
            message, code="refused_by_database", hint="Check what you entered.", detail=detail
        )
    words = TRIGGER_FAILED if _is_database_error(code, message) else _words(code, status)
    if words.kind is TooManyAttempts:
        wait = retry_after or _seconds_in(message) or DEFAULT_WAIT_SECONDS
        return words.error(code or "over_request_rate_limit", detail, wait)
    if code == "weak_password":
        return words.kind(message or words.message, code=code, hint=words.hint, detail=detail)
    return words.error(code or "unknown", detail)


def _is_database_error(code: str | None, message: str) -> bool:
    """Whether the database refused Auth's statement: Auth's sentence, or a SQLSTATE in place of its code."""
    return bool(DATABASE_ERROR.match(message)) or bool(code and re.fullmatch(r"[0-9A-Z]{5}", code))


def _words(code: str | None, status: int) -> Words:
    if code and code in AUTH_WORDS:
        return AUTH_WORDS[code]
    if code and code.startswith(NOT_OFFERED_PREFIXES):
        return NOT_OFFERED
    if status == TooManyAttempts.status:
        return WAIT
    # Without a code of Auth it was the gateway in front that refused: the API key or the URL is wrong.
    return MISUNDERSTOOD if not code and status in (401, 403, 404) else TROUBLE


def _seconds_in(message: str) -> int | None:
    """Return the wait that Auth states in its message only: "... after 42 seconds."."""
    found = re.search(r"after ([0-9]{1,5}) second", message)
    return int(found[1]) if found else None
