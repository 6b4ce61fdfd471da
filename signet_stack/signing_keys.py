"""The project's JWT signing keys: kept in the database, published as a JWKS, used by Auth and the data API.

Private keys never leave this module except as a key object for signing. Every change is one transaction under
a lock on the table, so that two changes at once are two changes after one another.
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

from jwt import PyJWK
from psycopg import Connection
from psycopg.rows import TupleRow

from signet_stack.postgres.database import Pool
from signet_stack.signing_key_material import imported_private_jwk, new_private_jwk, public_jwk
from signet_stack.signing_key_states import (
    IN_USE,
    PREVIOUSLY_USED,
    REVOKED,
    STANDBY,
    ChangeRefused,
    check_change,
    check_deletion,
)


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
    """The keys of the project, read once and again after each change."""

    def __init__(self, pool: Pool, clock: Callable[[], datetime]) -> None:
        self._pool = pool
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: tuple[SigningKey, ...] | None = None

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
        """Move a key to another state; when it comes in use, the present one gives way.

        Raises ChangeRefused or UnknownKey.
        """
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

    def forget(self) -> None:
        """Read the keys again at the next use."""
        with self._lock:
            self._keys = None

    def all(self) -> tuple[SigningKey, ...]:
        """Return every key, oldest first."""
        keys = self._keys
        if keys is not None:
            return keys
        with self._lock:
            if self._keys is None:
                with self._pool.connection() as connection:
                    rows = connection.execute(
                        "select id::text, algorithm, status, public_jwk, private_jwk, created_at, updated_at"
                        " from signet_stack.signing_keys order by created_at, id"
                    ).fetchall()
                self._keys = tuple(
                    SigningKey(row[0], row[1], row[2], row[3], PyJWK(row[4], row[1]).key, row[5], row[6])
                    for row in rows
                )
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
        with self._pool.connection() as connection:
            connection.execute("lock table signet_stack.signing_keys in exclusive mode")
            yield connection
        self.forget()

    def _make_room(self, connection: Connection[TupleRow], status: str) -> None:
        """Let the present key in use give way; of standby keys there is one at most."""
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
            "select status from signet_stack.signing_keys where id::text = %s", (kid,)
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
