"""Error types of the gatekeeper; their messages go to the log, never to a browser.

GatekeeperError
├── TokenError                  the access token is refused
│   ├── TokenRejected           the token itself is wrong: signed out
│   │   ├── TokenTooLong, TokenMalformed, TokenHeaderRefused, AlgorithmRefused
│   │   └── KeyUnfit, SignatureInvalid, PayloadMalformed, ClaimRefused, SessionOver
│   └── TokenStale              well-formed, but only Auth can decide: one refresh
│       └── TokenExpired, TokenNotYetValid, KeyUnknown, IssuerDiffers
├── KeysUnavailable             no key set: try later, cookies kept
├── SessionEnded                Auth says that the session is over: cookies cleared
├── AuthUnavailable             no usable answer from Auth: try later, cookies kept
├── AuthMisconfigured           the gateway refuses our API key: only the operator can fix it
├── FlowRefused                 Auth refuses the code of a PKCE flow
└── SessionTooLarge             the tokens do not fit into cookies

Every type has a stable ``code`` for logs and tests. SESSION_END_WORDS explains to people why a session ended.
"""

from __future__ import annotations


class GatekeeperError(Exception):
    """Base of all errors of the gatekeeper."""

    code = "gatekeeper"


class TokenError(GatekeeperError):
    """Base of all refusals of an access token; ``kid`` is the key id that its header names, if readable."""

    code = "token"

    def __init__(self, detail: str = "", *, kid: str | None = None) -> None:
        self.kid = kid
        super().__init__(detail or self.code)


class TokenRejected(TokenError):
    """Base of faults that no refresh can fix."""


class TokenTooLong(TokenRejected):
    """Raised when a token is longer than any that Auth makes."""

    code = "token_too_long"


class TokenMalformed(TokenRejected):
    """Raised when the text is not three canonical base64url parts (RFC 7515 section 7.1)."""

    code = "token_malformed"


class TokenHeaderRefused(TokenRejected):
    """Raised when the header is not a JSON object of alg, kid and typ alone."""

    code = "token_header_refused"


class AlgorithmRefused(TokenRejected):
    """Raised when ``alg`` is not an asymmetric algorithm that Auth signs with."""

    code = "algorithm_refused"


class KeyUnfit(TokenRejected):
    """Raised when the key that ``kid`` names is for another algorithm than ``alg``."""

    code = "key_unfit"


class SignatureInvalid(TokenRejected):
    """Raised when the signature is not the key's signature of exactly this text."""

    code = "signature_invalid"


class PayloadMalformed(TokenRejected):
    """Raised when the signed payload is not strict JSON with an object at the top."""

    code = "payload_malformed"


class ClaimRefused(TokenRejected):
    """Raised when a claim is missing, of the wrong type, or not a signed-in person's."""

    code = "claim_refused"

    def __init__(self, claim: str, *, kid: str | None = None) -> None:
        self.claim = claim
        super().__init__(f"claim {claim}", kid=kid)


class TokenStale(TokenError):
    """Base of refusals that a refresh may fix."""


class TokenExpired(TokenStale):
    """Raised when ``exp`` is past, beyond the leeway."""

    code = "token_expired"


class TokenNotYetValid(TokenStale):
    """Raised when ``nbf`` or ``iat`` lies in the future, beyond the leeway (clock skew)."""

    code = "token_not_yet_valid"


class KeyUnknown(TokenStale):
    """Raised when no published key has this ``kid``: revoked, or newer than the key set."""

    code = "key_unknown"


class IssuerDiffers(TokenStale):
    """Raised when ``iss`` is not the configured issuer."""

    code = "issuer_differs"


class SessionOver(TokenRejected):
    """Raised when a bearer token is valid but its session ended."""

    code = "session_over"


class KeysUnavailable(GatekeeperError):
    """Raised when no usable key set is cached and none can be fetched."""

    code = "keys_unavailable"


class SessionEnded(GatekeeperError):
    """Raised when a session is over; ``reason`` is a key of SESSION_END_WORDS.

    A view may raise it, too: the gatekeeper then signs the request out and redirects to the login page.
    """

    code = "session_ended"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class AuthUnavailable(GatekeeperError):
    """Raised when Auth cannot be reached or gives no usable answer.

    ``retry_after`` is in seconds, None if Auth did not send it.
    """

    code = "auth_unavailable"

    def __init__(self, detail: str, *, retry_after: int | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(detail)


class AuthMisconfigured(GatekeeperError):
    """Raised when the gateway refuses our key or URL: only the operator can fix it."""

    code = "auth_misconfigured"


class FlowRefused(GatekeeperError):
    """Raised when Auth refuses the code of a PKCE flow; ``code`` is Auth's error code.

    ``bad_code_verifier``: the flow began in another browser. ``flow_state_expired`` and
    ``flow_state_not_found``: the code is too old, or was used.
    """

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class SessionTooLarge(GatekeeperError):
    """Raised when the tokens do not fit into cookies that browsers and servers accept."""

    code = "session_too_large"


SESSION_END_WORDS = {
    "signed_out": "You are signed out.",
    "timebox": "You were signed out because your session reached its time limit.",
    "inactivity": "You were signed out because your session was unused for too long.",
    "newer_login": "You were signed out because you signed in on another device.",
    "ended_elsewhere": (
        "You were signed out because the session was ended: from another device, "
        "by a new password or by an administrator."
    ),
    "reused": (
        "You were signed out because an old copy of this session was used. "
        "If that was not you, change your password."
    ),
    "banned": "You were signed out because this account is suspended.",
    "unknown_user": "You were signed out because this account no longer exists.",
    "invalid": "You were signed out because this session is not valid.",
    "unreadable": "You were signed out because the session could not be read.",
}
