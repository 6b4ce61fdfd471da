"""What every transaction sets before its statement: who asks, with which claims, and what was asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from signet_stack.rest.errors import RestError
from signet_stack.rest.request_parsing import ApiRequest
from signet_stack.rest.schema_cache.model import RoleSettings
from signet_stack.rest.sql.fragments import names

Settings = tuple[tuple[str, str], ...]

# A token must not make a request run as the connection's own role.
NEVER_ROLES = frozenset({"none", "authenticator"})


@dataclass(frozen=True, slots=True)
class Actor:
    """Who a request acts as; ``claims`` is what SQL reads as request.jwt.claims."""

    role: str
    claims: str = field(repr=False)


def actor_of(claims: Mapping[str, Any], key_role: str) -> Actor:
    """Return who acts: the role that the claims name, else that of the API key."""
    named = claims.get("role", key_role)
    role = named if isinstance(named, str) else json.dumps(named)
    if role in NEVER_ROLES:
        raise RestError("42501", f'permission denied to set role "{role}"', status=403)
    return Actor(role, _json({**claims, "role": role}))


def settings_of(
    request: ApiRequest, actor: Actor, search_path: tuple[str, ...], role: RoleSettings, timezone: str | None
) -> Settings:
    """Return the settings of a transaction in order; the role's own stand before the role."""
    headers = {name: value for name, value in request.headers.items() if name != "cookie"}
    pairs = (pair.partition("=") for pair in request.header("cookie").split(";"))
    cookies = {name.strip(): value.strip() for name, equals, value in pairs if equals}
    return (
        ("search_path", names(dict.fromkeys(search_path))),
        *role.settings,
        ("role", actor.role),
        ("request.jwt.claims", actor.claims),
        ("request.method", request.method),
        ("request.path", request.path),
        ("request.headers", _json(headers)),
        ("request.cookies", _json(cookies)),
        *((("timezone", timezone),) if timezone else ()),
    )


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))
