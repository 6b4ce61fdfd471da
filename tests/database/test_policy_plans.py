"""What the policies cost: a read of one's own row goes by the index and asks who one is once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from signet_db.testing import as_user, new_user

Plan = dict[str, Any]


def nodes(plan: Plan) -> Iterator[Plan]:
    """Yield a plan's node and all below it."""
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)


@pytest.fixture
def alice(migrated: Connection[TupleRow]) -> UUID:
    """Add Alice's profile among those of two thousand others, a few of them public."""
    migrated.execute("insert into auth.users (id) select gen_random_uuid() from generate_series(1, 2000)")
    migrated.execute(
        "insert into public.profiles (user_id, is_public) select id, random() < 0.01 from auth.users u"
        " where not exists (select from public.profiles p where p.user_id = u.id)"
    )
    user = new_user(migrated)
    migrated.execute("insert into public.profiles (user_id) values (%s)", (user,))
    migrated.execute("analyze public.profiles")
    return user


def plan_of(connection: Connection[TupleRow], statement: str, user: UUID) -> list[Plan]:
    """Run a statement as this user and return the nodes of its plan."""
    with as_user(connection, user):
        query = f"explain (analyze, costs off, timing off, format json) {statement}"
        row = connection.execute(query.encode(), {"me": user}).fetchone()
    assert row is not None
    return list(nodes(row[0][0]["Plan"]))


@pytest.mark.parametrize(
    "statement",
    [
        "select * from public.profiles where user_id = %(me)s",
        "update public.profiles set display_name = 'x' where user_id = %(me)s",
        "delete from public.profiles where user_id = %(me)s",
    ],
    ids=["select", "update", "delete"],
)
def test_own_row_by_index(migrated: Connection[TupleRow], alice: UUID, statement: str) -> None:
    found = plan_of(migrated, statement, alice)
    scans = [
        node for node in found if node.get("Relation Name") == "profiles" and "Scan" in node["Node Type"]
    ]
    assert [(scan["Node Type"], scan["Index Name"]) for scan in scans] == [
        ("Index Scan", "profiles_user_id_key")
    ]
    assert "uid()" not in scans[0]["Filter"]
    once = [node["Actual Loops"] for node in found if node.get("Parent Relationship") == "InitPlan"]
    assert once == [1] * len(once)
    assert len(once) >= 2  # who asks, and whether the session lives


def test_a_read_without_a_condition_does_not_read_the_whole_table(
    migrated: Connection[TupleRow], alice: UUID
) -> None:
    """Both halves of the policy, own or public, have an index."""
    found = plan_of(migrated, "select * from public.profiles", alice)
    assert not [node for node in found if node["Node Type"] == "Seq Scan"]
    indexes = {node["Index Name"] for node in found if "Index Name" in node}
    assert {"profiles_user_id_key", "profiles_public_idx"} <= indexes
