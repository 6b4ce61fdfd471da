"""People to play with: runs ``seed.sql`` on the local stack, and on nothing else."""

from __future__ import annotations

from pathlib import Path

import psycopg

from app.errors import Misconfigured
from signet_stack.process.lease import ROOT

SEED = ROOT / "seed.sql"
PEOPLE = ("alice@example.com", "bob@example.com", "charlie@example.com")
PASSWORD = "correct horse battery staple"  # noqa: S105 - printed for everybody, works on loopback only


def seed(database_url: str, path: Path = SEED) -> None:
    """Run the file as one transaction; raises Misconfigured when it is missing or refused."""
    try:
        with psycopg.connect(database_url) as connection:
            connection.execute(path.read_bytes())
    except OSError as error:
        raise Misconfigured(
            f"{path.name} cannot be read: {error.strerror}.", hint=f"git checkout {path.name}"
        ) from error
    except psycopg.Error as error:
        raise Misconfigured(
            f"{path.name} was refused: {error.diag.message_primary or error}",
            code="seed_refused",
            hint=f"Correct {path.name}, then run  flask local seed. Nothing of it was kept.",
        ) from error
