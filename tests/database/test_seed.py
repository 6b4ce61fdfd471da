"""The people to play with: there after one run, the same after two."""

from __future__ import annotations

from pathlib import Path

import bcrypt
from psycopg import Connection
from psycopg.rows import TupleRow

from signet_db.testing import as_user
from tests.support.cast import PASSWORD

SEED = Path(__file__).resolve().parents[2] / "seed.sql"


def test_seed_makes_three_people_once(migrated: Connection[TupleRow]) -> None:
    """They can sign in with the password that the file names, and Alice alone shows her profile."""
    for _ in range(2):
        migrated.execute(SEED.read_bytes())
    rows = migrated.execute(
        """
        select u.email, encrypted_password, u.id, identities.identity_data ->> 'email'
        from auth.users u join auth.identities on identities.user_id = u.id order by u.email
        """
    ).fetchall()
    assert [row[0] for row in rows] == ["alice@example.com", "bob@example.com", "charlie@example.com"]
    assert all(row[0] == row[3] for row in rows)
    assert PASSWORD in SEED.read_text()
    assert bcrypt.checkpw(PASSWORD.encode(), rows[0][1].encode())
    with as_user(migrated, rows[2][2]):
        seen = migrated.execute("select display_name from public.profiles").fetchall()
    assert seen == [("Alice",)]
