"""The custom access token hook: a function in the database that may change the claims of every token.

Trust boundary: the setting of a hook decides what tokens say. The function runs as the Auth service's own
role, for at most two seconds, and the claims that the protocol needs must survive it.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from signet_stack.auth.errors import AuthError
from signet_stack.auth.users import Rows, rfc3339
from signet_stack.auth_settings import HOOK_URI, AuthSettings

REQUIRED = (
    "aud",
    "exp",
    "iat",
    "sub",
    "email",
    "phone",
    "role",
    "aal",
    "session_id",
    "is_anonymous",
)
TIMEOUT = "2s"
REFRESH = "token_refresh"  # a method that only the hook sees


@dataclass(frozen=True, slots=True)
class Occasion:
    """What the hook gets besides the claims: method and time of the issue, and the client's address."""

    method: str
    now: datetime
    ip: str | None


def apply(
    settings: AuthSettings, connection: Rows, claims: dict[str, Any], occasion: Occasion
) -> dict[str, Any]:
    """Return the claims as the hook leaves them; raise AuthError when it refuses or breaks them."""
    found = HOOK_URI.fullmatch(settings.hook_custom_access_token_uri)
    if not settings.hook_custom_access_token_enabled or found is None:
        return claims
    answer = _call(connection, found[1], found[2], _event(claims, occasion))
    if refusal := answer.get("error"):
        raise _refusal(refusal)
    changed = answer.get("claims")
    missing = [name for name in REQUIRED if not isinstance(changed, dict) or name not in changed]
    if missing or not isinstance(changed, dict):
        raise _broken(f"output claims do not conform to the expected schema: missing {', '.join(missing)}")
    return changed


def _event(claims: dict[str, Any], occasion: Occasion) -> dict[str, Any]:
    metadata = {"uuid": str(uuid.uuid4()), "time": rfc3339(occasion.now), "name": "customize-access-token"}
    return {
        "metadata": {**metadata, "ip_address": occasion.ip or ""},
        "user_id": claims["sub"],
        "claims": claims,
        "authentication_method": occasion.method,
    }


def _refusal(refusal: Any) -> AuthError:
    """Return the error that the hook asks for."""
    asked = refusal if isinstance(refusal, dict) else {}
    code = asked.get("http_code")
    status = code if isinstance(code, int) and 400 <= code <= 599 else 500
    return AuthError(status, "unknown", str(asked.get("message") or "The hook refused"))


def _call(connection: Rows, schema: str, function: str, event: dict[str, Any]) -> dict[str, Any]:
    statement = sql.SQL("select {}(%s::jsonb)").format(sql.Identifier(schema, function))
    try:
        with connection.transaction():
            connection.execute(sql.SQL("set local statement_timeout = {}").format(TIMEOUT))
            row = connection.execute(statement, (json.dumps(event),)).fetchone()
            connection.execute("set local statement_timeout to default")
    except psycopg.Error as error:
        raise _broken(f"the hook failed: {error.diag.message_primary or error}") from error
    if row is None or not isinstance(row[0], dict):
        raise _broken("the hook must return a JSON object")
    return row[0]


def _broken(why: str) -> AuthError:
    return AuthError(500, "unexpected_failure", f"Error running hook custom_access_token: {why}")
