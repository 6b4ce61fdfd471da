"""The project's JWT signing keys: states, key material, and the store that Auth and the data API share.

States (source: the platform's management API): standby -> in_use -> previously_used -> revoked -> deleted,
and back except from deleted. The key in use leaves only when another key takes its place. Private keys leave
this module only as a key object for signing. Every change is one transaction under a lock on the table; the
keys are read once at the start and again in the transaction of each change.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from psycopg import Connection
from psycopg.rows import TupleRow

from signet_stack.postgres.database import Pool

STANDBY, IN_USE, PREVIOUSLY_USED, REVOKED = "standby", "in_use", "previously_used", "revoked"
STATES = (STANDBY, IN_USE, PREVIOUSLY_USED, REVOKED)

_ALLOWED = {
    STANDBY: (IN_USE, PREVIOUSLY_USED, REVOKED),
    IN_USE: (),
    PREVIOUSLY_USED: (IN_USE, STANDBY, REVOKED),
    REVOKED: (STANDBY, PREVIOUSLY_USED),
}


class ChangeRefused(Exception):
    """Raised when a key cannot be changed as requested; the message names the reason and the next step."""


def check_change(before: str, after: str) -> None:
    """Raise ChangeRefused unless a key may go from one state to another."""
    if after in _ALLOWED[before]:
        return
    if before == after:
        raise ChangeRefused(f"The key is {after} already")
    if before == IN_USE:
        raise ChangeRefused("The key in use stays until another key takes its place: set that one to in_use")
    allowed = ", ".join(_ALLOWED[before])
    raise ChangeRefused(f"A key that is {before} cannot become {after}; it can become {allowed}")


def check_deletion(state: str) -> None:
    """Raise ChangeRefused unless a key in this state may be deleted."""
    if state != REVOKED:
        raise ChangeRefused(f"Only a revoked key can be deleted; this one is {state}")


RSA_BITS = 3072
MIN_RSA_BITS = 2048
_PUBLIC_MEMBERS = frozenset({"kty", "crv", "x", "y", "n", "e"})
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi"})


class KeyRefused(ValueError):
    """Raised when an imported key cannot sign with the algorithm; the message says why."""


def _es256() -> Any:
    return ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True)


def _rs256() -> Any:
    key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    return RSAAlgorithm.to_jwk(key, as_dict=True)


def _eddsa() -> Any:
    return OKPAlgorithm.to_jwk(ed25519.Ed25519PrivateKey.generate(), as_dict=True)


_MAKERS: Mapping[str, Callable[[], Any]] = {"ES256": _es256, "RS256": _rs256, "EdDSA": _eddsa}
ALGORITHMS = tuple(_MAKERS)


def new_private_jwk(algorithm: str, kid: str) -> dict[str, Any]:
    """Return a new key pair as a JWK (RFC 7517)."""
    return _named(_MAKERS[algorithm](), algorithm, kid)


def imported_private_jwk(algorithm: str, kid: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return an imported key pair under its new id; raise KeyRefused."""
    members = {name: given[name] for name in _PUBLIC_MEMBERS | _PRIVATE_MEMBERS if name in given}
    try:
        key = jwt.PyJWK(members, algorithm).key
        _check_strength(key)
        jwt.encode({}, key, algorithm)
    except KeyRefused:
        raise
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError):
        raise KeyRefused(f"private_jwk is not a private key that signs with {algorithm}") from None
    return _named(members, algorithm, kid)


def _check_strength(key: Any) -> None:
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size < MIN_RSA_BITS:
        raise KeyRefused(f"An RSA key must have {MIN_RSA_BITS} bits or more; this one has {key.key_size}")
    if isinstance(key, ec.EllipticCurvePrivateKey) and not isinstance(key.curve, ec.SECP256R1):
        raise KeyRefused("An ES256 key must be on the curve P-256")


def public_jwk(private: Mapping[str, Any]) -> dict[str, Any]:
    """Return the half that is published: verifiers need nothing else."""
    public = {name: value for name, value in private.items() if name in _PUBLIC_MEMBERS}
    return {**public, "kid": private["kid"], "alg": private["alg"], "use": "sig", "key_ops": ["verify"]}


def _named(members: Mapping[str, Any], algorithm: str, kid: str) -> dict[str, Any]:
    kept = {name: value for name, value in members.items() if name in _PUBLIC_MEMBERS | _PRIVATE_MEMBERS}
    return {**kept, "kid": kid, "alg": algorithm, "use": "sig", "key_ops": ["sign", "verify"]}


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key with its state; ``kid`` is its id in every JWT header and in the JWKS."""

    kid: str
    algorithm: str
    status: str
    public_jwk: dict[str, Any]
    private: Any = field(repr=False)
    created_at: datetime | None = None
    updated_at: datetime | None = None


class UnknownKey(LookupError):
    """Raised when no key has the id."""


class SigningKeys:
    """The keys of one project; ``ensure_one`` loads them before the first use."""

    def __init__(self, pool: Pool, clock: Callable[[], datetime]) -> None:
        self._pool = pool
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: tuple[SigningKey, ...] = ()

    def ensure_one(self) -> None:
        """Create the first key, ES256, in use, unless there is one already."""
        with self._changing() as connection:
            if connection.execute("select 1 from signet_stack.signing_keys limit 1").fetchone() is None:
                kid = str(uuid.uuid4())
                self._insert(connection, new_private_jwk("ES256", kid), IN_USE)

    def create(self, algorithm: str, status: str, given: Mapping[str, Any] | None = None) -> SigningKey:
        """Add a key, standby or in use at once; raise ChangeRefused or KeyRefused."""
        kid = str(uuid.uuid4())
        # Before the lock is taken: an RSA key takes a while.
        made = imported_private_jwk(algorithm, kid, given) if given else new_private_jwk(algorithm, kid)
        with self._changing() as connection:
            self._make_room(connection, status)
            self._insert(connection, made, status)
        return self.get(kid)

    def set_status(self, kid: str, status: str) -> SigningKey:
        """Move a key to another state; a key that comes in use replaces the present one.

        Raises ChangeRefused or UnknownKey.
        """
        self.get(kid)
        with self._changing() as connection:
            check_change(self._status(connection, kid), status)
            self._make_room(connection, status)
            self._update(connection, kid, status)
        return self.get(kid)

    def delete(self, kid: str) -> SigningKey:
        """Delete a revoked key for good; raise ChangeRefused or UnknownKey."""
        deleted = self.get(kid)
        with self._changing() as connection:
            check_deletion(self._status(connection, kid))
            connection.execute("delete from signet_stack.signing_keys where id = %s", (kid,))
        return deleted

    def reload(self) -> None:
        """Read the stored keys again."""
        with self._changing():
            pass

    def all(self) -> tuple[SigningKey, ...]:
        """Return every key, oldest first, from memory."""
        return self._keys

    def get(self, kid: str) -> SigningKey:
        """Return one key; raise UnknownKey."""
        for key in self.all():
            if key.kid == kid:
                return key
        raise UnknownKey(kid)

    def in_use(self) -> SigningKey:
        """Return the key that signs."""
        return next(key for key in self.all() if key.status == IN_USE)

    def published(self) -> dict[str, SigningKey]:
        """Return the keys that verify, by kid: standby, in use and previously used."""
        return {key.kid: key for key in self.all() if key.status != REVOKED}

    def jwks(self) -> dict[str, list[dict[str, Any]]]:
        """Return the public key set (RFC 7517 section 5)."""
        return {"keys": [key.public_jwk for key in self.published().values()]}

    @contextmanager
    def _changing(self) -> Iterator[Connection[TupleRow]]:
        """Lock the table, and put the keys as they are at the commit in force after it."""
        with self._lock:
            with self._pool.connection() as connection:
                connection.execute("lock table signet_stack.signing_keys in exclusive mode")
                yield connection
                stored = _read(connection)
            self._keys = stored

    def _make_room(self, connection: Connection[TupleRow], status: str) -> None:
        """Retire the present key in use; raise ChangeRefused for a second standby key."""
        holder = connection.execute(
            "select id::text from signet_stack.signing_keys where status = %s", (status,)
        ).fetchone()
        if status == IN_USE and holder is not None:
            self._update(connection, holder[0], PREVIOUSLY_USED)
        if status == STANDBY and holder is not None:
            raise ChangeRefused(
                f"There is a standby key already: {holder[0]}. Rotate to it or revoke it first"
            )

    def _status(self, connection: Connection[TupleRow], kid: str) -> str:
        row = connection.execute(
            "select status from signet_stack.signing_keys where id = %s", (kid,)
        ).fetchone()
        if row is None:
            raise UnknownKey(kid)
        return str(row[0])

    def _update(self, connection: Connection[TupleRow], kid: str, status: str) -> None:
        connection.execute(
            "update signet_stack.signing_keys set status = %s, updated_at = %s where id = %s",
            (status, self._clock(), kid),
        )

    def _insert(self, connection: Connection[TupleRow], private: Mapping[str, Any], status: str) -> None:
        now, kid = self._clock(), private["kid"]
        connection.execute(
            "insert into signet_stack.signing_keys"
            " (id, algorithm, status, private_jwk, public_jwk, created_at, updated_at)"
            " values (%s, %s, %s, %s, %s, %s, %s)",
            (kid, private["alg"], status, json.dumps(private), json.dumps(public_jwk(private)), now, now),
        )


def _read(connection: Connection[TupleRow]) -> tuple[SigningKey, ...]:
    rows = connection.execute(
        "select id::text, algorithm, status, public_jwk, private_jwk, created_at, updated_at"
        " from signet_stack.signing_keys order by created_at, id"
    ).fetchall()
    return tuple(
        SigningKey(row[0], row[1], row[2], row[3], jwt.PyJWK(row[4], row[1]).key, row[5], row[6])
        for row in rows
    )
