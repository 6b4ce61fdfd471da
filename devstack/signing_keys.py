"""The project's JWT signing keys: kept in the database, published as a JWKS, used by Auth and the data API.

Private keys never leave this module except as a key object for signing. Life cycle and states:
standby -> in_use -> previously_used -> revoked.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from jwt import PyJWK
from jwt.algorithms import ECAlgorithm

from devstack.database import Pool


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key with its state; ``kid`` is its id in every JWT header and in the JWKS."""

    kid: str
    algorithm: str
    status: str
    public_jwk: dict[str, Any]
    private: Any = field(repr=False)


class SigningKeys:
    """The keys of the project, read once and again after each change."""

    def __init__(self, pool: Pool, clock: Callable[[], datetime]) -> None:
        self._pool = pool
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: tuple[SigningKey, ...] | None = None

    def ensure_one(self) -> None:
        """Create the first key, ES256, in use, unless there is one already."""
        with self._pool.connection() as connection:
            connection.execute("lock table devstack.signing_keys in exclusive mode")
            if connection.execute("select 1 from devstack.signing_keys limit 1").fetchone():
                return
            kid = str(uuid.uuid4())
            private = json.loads(ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1())))
            common = {"kid": kid, "alg": "ES256", "use": "sig"}
            public = {k: v for k, v in private.items() if k not in ("d", "key_ops")}
            connection.execute(
                "insert into devstack.signing_keys"
                " (id, algorithm, status, private_jwk, public_jwk, created_at, updated_at)"
                " values (%s, 'ES256', 'in_use', %s, %s, %s, %s)",
                (
                    kid,
                    json.dumps({**private, **common}),
                    json.dumps({**public, **common, "key_ops": ["verify"]}),
                    self._clock(),
                    self._clock(),
                ),
            )
        self.forget()

    def forget(self) -> None:
        """Read the keys again at the next use."""
        with self._lock:
            self._keys = None

    def all(self) -> tuple[SigningKey, ...]:
        """Return every key, oldest first."""
        with self._lock:
            if self._keys is None:
                with self._pool.connection() as connection:
                    rows = connection.execute(
                        "select id::text, algorithm, status, public_jwk, private_jwk"
                        " from devstack.signing_keys order by created_at, id"
                    ).fetchall()
                self._keys = tuple(
                    SigningKey(kid, algorithm, status, public, PyJWK(private, algorithm).key)
                    for kid, algorithm, status, public, private in rows
                )
            return self._keys

    def in_use(self) -> SigningKey:
        """Return the key that signs."""
        return next(key for key in self.all() if key.status == "in_use")

    def published(self) -> dict[str, SigningKey]:
        """Return the keys that verify, by kid: standby, in use and previously used."""
        return {key.kid: key for key in self.all() if key.status != "revoked"}

    def jwks(self) -> dict[str, list[dict[str, Any]]]:
        """Return the public key set (RFC 7517 section 5)."""
        return {"keys": [key.public_jwk for key in self.published().values()]}
