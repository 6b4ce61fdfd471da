"""Who the playground acts as: a role and claims, with a real session row where the choice asks for one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from psycopg import Connection

from flask_signet.lab.errors import BadChoice
from signet_db.testing import as_role, claims_from, new_session

SIGNED_OUT = "anon"
CUSTOM = "claims"


@dataclass(frozen=True, slots=True)
class Who:
    """A choice of the form: ``person`` is a user id, ``anon`` or ``claims``."""

    person: str = SIGNED_OUT
    claims: str = ""  # JSON text, with ``claims``
    session_ended: bool = False
    second_factor: bool = False


@dataclass(frozen=True, slots=True)
class Caller:
    """The role and the claims that a request of this person has in the database."""

    role: str
    claims: dict[str, Any] = field(repr=False)
    has_session: bool = False  # a row of auth.sessions was made for it, in the open transaction

    @property
    def user_id(self) -> str | None:
        """The user, None when signed out."""
        sub = self.claims.get("sub")
        return sub if isinstance(sub, str) else None


def caller_of(connection: Connection[Any], who: Who) -> Caller:
    """Return role and claims; make a live session inside the open transaction. Raises BadChoice."""
    if who.person == SIGNED_OUT:
        return Caller("anon", {"role": "anon"})
    if who.person == CUSTOM:
        return _custom(who.claims)
    try:
        user_id = UUID(who.person)
    except ValueError:
        raise BadChoice("person", "Choose a person of the list.") from None
    if connection.execute("select from auth.users where id = %s", (user_id,)).rowcount == 0:
        raise BadChoice("person", "This person does not exist any more.")
    level = "aal2" if who.second_factor else "aal1"
    session_id = new_session(connection, user_id, aal=level)
    if who.session_ended:
        connection.execute("delete from auth.sessions where id = %s", (session_id,))
    claims = claims_from(connection, user_id, session_id, aal=level)
    return Caller("authenticated", claims, has_session=not who.session_ended)


@contextmanager
def acting_as(connection: Connection[Any], caller: Caller) -> Iterator[None]:
    """Act as the caller for the block, as the data API does."""
    with as_role(connection, caller.role, caller.claims):
        yield


def _custom(text: str) -> Caller:
    try:
        claims = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadChoice("claims", f"This is no JSON: {error}") from None
    if not isinstance(claims, dict):
        raise BadChoice("claims", 'Claims are a JSON object, such as {"role": "authenticated"}.')
    role = claims.get("role", "anon")
    if role not in ("anon", "authenticated", "service_role"):
        raise BadChoice("claims", "role is one of anon, authenticated, service_role.")
    return Caller(role, claims)
