"""Prove agrees with brute force: random policies over owner, tenant and public flag, all people and rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signet_db.prove import prove_files

TABLES = """
create table public.orgs (id uuid primary key default gen_random_uuid(), name text);
create table public.members (
    org_id uuid references public.orgs,
    user_id uuid references auth.users on delete cascade,
    primary key (org_id, user_id)
);
create table public.notes (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users on delete cascade,
    org_id uuid not null references public.orgs,
    is_public boolean not null default false,
    title text not null
);
alter table public.notes enable row level security;
grant select on public.members to anon, authenticated;
grant select, insert, update, delete on public.notes to anon, authenticated;
-- signet: rows of public.notes belong to user_id
-- signet: everybody reads public.notes where is_public
"""
SQL = {
    "own": "(select auth.uid()) = user_id",
    "member": "org_id in (select m.org_id from public.members m where m.user_id = (select auth.uid()))",
    "public": "is_public",
    "true": "true",
    "signed in": "(select auth.uid()) is not null",
}
COMMANDS = ("select", "update", "delete", "insert")


OWNED = (("alice", "a"), ("bob", "b"), ("carol", "a"))


@dataclass(frozen=True)
class Who:
    """Somebody who tries: the user, None for anon, and the tenants."""

    user: str | None
    tenants: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Note:
    """A row: its owner, its tenant, whether it is public."""

    owner: str
    tenant: str
    is_public: bool


EVERYBODY = (
    Who("alice", frozenset("a")),
    Who("bob", frozenset("b")),
    Who("carol", frozenset("ab")),
    Who("zoe"),
    Who("guest"),
    Who(None),
)
NOTES = (
    Note("alice", "a", False),
    Note("bob", "b", False),
    Note("carol", "a", False),
    Note("erin", "a", True),
)
FORGED = Note("dave", "a", False)

Condition = str | tuple[str, "Condition"] | tuple[str, "Condition", "Condition"]
atoms = st.sampled_from(sorted(SQL))
conditions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(st.just("not"), inner), st.tuples(st.sampled_from(["and", "or"]), inner, inner)
    ),
    max_leaves=3,
)


@dataclass(frozen=True)
class Policy:
    """A random policy."""

    command: str
    is_restrictive: bool
    for_anon: bool
    condition: Condition

    def sql(self, number: int) -> str:
        kind = "restrictive" if self.is_restrictive else "permissive"
        roles = "anon, authenticated" if self.for_anon else "authenticated"
        text = as_sql(self.condition)
        parts = {
            "insert": f"with check ({text})",
            "update": f"using ({text}) with check ({text})",
        }.get(self.command, f"using ({text})")
        return f'create policy "p{number}" on public.notes as {kind} for {self.command} to {roles} {parts};\n'


policies = st.builds(Policy, st.sampled_from(COMMANDS), st.booleans(), st.booleans(), conditions)


def as_sql(condition: Condition) -> str:
    if isinstance(condition, str):
        return SQL[condition]
    if condition[0] == "not":
        return f"not ({as_sql(condition[1])})"
    return f"({as_sql(condition[1])}) {condition[0]} ({as_sql(condition[2])})"


def holds(condition: Condition, who: Who, note: Note) -> bool | None:
    """Evaluate in SQL's logic of three values."""
    if isinstance(condition, str):
        return {
            "own": None if who.user is None else who.user == note.owner,
            "member": note.tenant in who.tenants,
            "public": note.is_public,
            "true": True,
            "signed in": who.user is not None,
        }[condition]
    values = [holds(one, who, note) for one in condition[1:]]
    if condition[0] == "not":
        return None if values[0] is None else not values[0]
    decisive = condition[0] == "or"
    if decisive in values:
        return decisive
    return None if None in values else not decisive


def lets(found: list[Policy], command: str, who: Who, note: Note) -> bool:
    """Whether the policies of a command let a person reach a row."""
    mine = [one for one in found if one.command == command and (one.for_anon or who.user is not None)]
    permissive = [one for one in mine if not one.is_restrictive]
    restrictive = [one for one in mine if one.is_restrictive]
    return any(holds(one.condition, who, note) is True for one in permissive) and all(
        holds(one.condition, who, note) is True for one in restrictive
    )


def leaks(found: list[Policy]) -> set[str]:
    """Return the operations by which somebody reaches a row that is not theirs."""
    result = set()
    for who in EVERYBODY:
        for note in NOTES:
            is_own = who.user == note.owner
            if lets(found, "select", who, note) and not is_own and not note.is_public:
                result.add("select")
            for command in ("update", "delete"):
                if lets(found, command, who, note) and not is_own:
                    result.add(command)
        if lets(found, "insert", who, FORGED):
            result.add("insert")
    return result


def check(folder: Path, unchanging: str, found: list[Policy]) -> None:
    text = TABLES + "".join(policy.sql(number) for number, policy in enumerate(found))
    (folder / "1_notes.sql").write_text(text)
    proof = prove_files(unchanging, folder)
    named = {leak.operation for leak in proof.leaks if leak.relation == "public.notes"}
    assert named & set(COMMANDS) == leaks(found), text


SHARED = {"suppress_health_check": [HealthCheck.function_scoped_fixture], "derandomize": True}


@settings(max_examples=12, **SHARED)
@given(st.lists(policies, min_size=1, max_size=4))
def test_prove_agrees_with_brute_force(unchanging: str, tmp_path: Path, found: list[Policy]) -> None:
    check(tmp_path, unchanging, found)


@pytest.mark.slow
@settings(max_examples=60, **SHARED)
@given(st.lists(policies, min_size=1, max_size=5))
def test_prove_agrees_with_brute_force_at_length(
    unchanging: str, tmp_path: Path, found: list[Policy]
) -> None:
    check(tmp_path, unchanging, found)
