"""The signed-in person of a request, with the verified claims of their access token.

Authorisation may use every claim but ``user_metadata``, which users write themselves. Claims are as old as
the token: a role or a factor that was removed stays in them until ``expires_at``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from uuid import UUID

from .tokens import AccessClaims, decode_segment, read_object, split

# Methods in `amr` that prove nothing new about the person.
_NO_PROOF = frozenset({"anonymous", "token_refresh"})


@dataclass(frozen=True, slots=True)
class Authentication:
    """One entry of the claim ``amr``: how the person authenticated, and when (unix seconds)."""

    method: str
    at: int


@dataclass(frozen=True, slots=True)
class Identity:
    """The signed-in person of a request, with the token that the data API accepts as theirs."""

    user_id: UUID
    session_id: UUID
    email: str
    role: str
    issued_at: int  # unix seconds
    expires_at: int  # unix seconds
    access_token: str = field(repr=False)
    _claims: Mapping[str, Any] | None = field(default=None, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, claims: AccessClaims, access_token: str) -> Identity:
        """Build an identity from verified claims and the token that they came from."""
        return cls(
            user_id=claims.user_id,
            session_id=claims.session_id,
            email=claims.email,
            role=claims.role,
            issued_at=claims.issued_at,
            expires_at=claims.expires_at,
            access_token=access_token,
        )

    @property
    def claims(self) -> Mapping[str, Any]:
        """All verified claims, those of a custom access token hook included; read-only at every depth."""
        if self._claims is None:
            _, payload, _ = split(self.access_token)
            object.__setattr__(self, "_claims", _frozen(read_object(decode_segment(payload))))
        assert self._claims is not None  # noqa: S101 - set above
        return self._claims

    @property
    def aal(self) -> str:
        """The authenticator assurance level: ``aal1``, or ``aal2`` after a second factor."""
        value = self.claims.get("aal")
        return value if isinstance(value, str) else "aal1"

    @property
    def amr(self) -> tuple[Authentication, ...]:
        """The methods by which the person authenticated in this session, newest first."""
        entries = self.claims.get("amr")
        found = [
            Authentication(entry["method"], entry["timestamp"])
            for entry in (entries if isinstance(entries, tuple) else ())
            if isinstance(entry, Mapping)
            and isinstance(entry.get("method"), str)
            and type(entry.get("timestamp")) is int
        ]
        return tuple(sorted(found, key=lambda one: one.at, reverse=True))

    @property
    def authenticated_at(self) -> int:
        """When the person last proved who they are (unix seconds); 0 if the token does not say."""
        return max((one.at for one in self.amr if one.method not in _NO_PROOF), default=0)

    @property
    def app_metadata(self) -> Mapping[str, Any]:
        """The metadata that only the project's administrators write."""
        value = self.claims.get("app_metadata")
        return value if isinstance(value, Mapping) else MappingProxyType({})

    @property
    def roles(self) -> frozenset[str]:
        """The application's roles: claim ``user_role`` of a hook, ``app_metadata.role`` and ``.roles``."""
        listed = self.app_metadata.get("roles")
        candidates = [self.claims.get("user_role"), self.app_metadata.get("role")]
        candidates += listed if isinstance(listed, tuple) else ()
        return frozenset(role for role in candidates if isinstance(role, str) and role)


def _frozen(value: Any) -> Any:
    """Return a JSON value with objects as read-only mappings and arrays as tuples."""
    if isinstance(value, dict):
        return MappingProxyType({name: _frozen(member) for name, member in value.items()})
    if isinstance(value, list):
        return tuple(_frozen(member) for member in value)
    return value
