"""Random people do random things with profiles; nobody ever sees or changes what the model forbids.

The model is a dictionary of rows and a set of living sessions. After each step the database answers exactly
what the model expects, for everybody: too much is a leak, too little a lockout.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from psycopg import Connection
from psycopg.rows import TupleRow

from app.migrate.testing import as_nobody, as_role, claims_of, new_session, new_user
from devstack.postgres import Cluster

NAMES = st.sampled_from(["Ann", "Ben", None])
PEOPLE = st.integers(0, 3)
SEEN = "select user_id, display_name, is_public from public.profiles where user_id = any (%s)"


@dataclass(frozen=True)
class Row:
    """A profile as the model knows it."""

    owner: int
    name: str | None
    is_public: bool


class Policies(RuleBasedStateMachine):
    """Four people, each with one session that lives or has ended."""

    connection: Connection[TupleRow]  # of role postgres, in a transaction that each run rolls back

    @initialize()
    def begin(self) -> None:
        self.users = [new_user(self.connection) for _ in range(4)]
        self.sessions = [new_session(self.connection, user) for user in self.users]
        self.rows: dict[int, Row] = {}
        self.living = {0, 1, 2, 3}

    def teardown(self) -> None:
        self.connection.rollback()

    @contextmanager
    def acting(self, who: int) -> Iterator[None]:
        claims = claims_of(self.users[who], self.sessions[who])
        with as_role(self.connection, "authenticated", claims):
            yield

    def attempt(self, who: int, statement: str, *values: Any) -> int | str:
        """Return how many rows a person's statement reaches, or the SQLSTATE of its refusal."""
        try:
            with self.connection.transaction(), self.acting(who):
                return self.connection.execute(statement.encode(), values).rowcount
        except psycopg.Error as error:
            return error.sqlstate or "no SQLSTATE"

    def may_change(self, who: int, owner: int) -> bool:
        return who == owner and who in self.living and owner in self.rows

    @rule(who=PEOPLE, owner=PEOPLE, name=NAMES, is_public=st.booleans())
    def insert(self, who: int, owner: int, name: str | None, is_public: bool) -> None:
        outcome = self.attempt(
            who,
            "insert into public.profiles (user_id, display_name, is_public) values (%s, %s, %s)",
            self.users[owner], name, is_public,
        )  # fmt: skip
        if who != owner or who not in self.living:
            assert outcome == "42501"
        elif owner in self.rows:
            assert outcome == "23505"
        else:
            assert outcome == 1
            self.rows[owner] = Row(owner, name, is_public)

    @rule(who=PEOPLE, owner=PEOPLE, name=NAMES)
    def upsert(self, who: int, owner: int, name: str | None) -> None:
        outcome = self.attempt(
            who,
            "insert into public.profiles (user_id, display_name) values (%s, %s)"
            " on conflict (user_id) do update set display_name = excluded.display_name",
            self.users[owner], name,
        )  # fmt: skip
        if who != owner or who not in self.living:
            assert outcome == "42501"
        else:
            assert outcome == 1
            self.rows[owner] = replace(self.rows.get(owner, Row(owner, name, False)), name=name)

    @rule(who=PEOPLE, owner=PEOPLE, name=NAMES, is_public=st.booleans())
    def update(self, who: int, owner: int, name: str | None, is_public: bool) -> None:
        outcome = self.attempt(
            who,
            "update public.profiles set display_name = %s, is_public = %s where user_id = %s",
            name, is_public, self.users[owner],
        )  # fmt: skip
        assert outcome == int(self.may_change(who, owner))
        if outcome:
            self.rows[owner] = Row(owner, name, is_public)

    @rule(who=PEOPLE, is_public=st.booleans())
    def update_everything(self, who: int, is_public: bool) -> None:
        """Without a condition: reaches exactly one's own row."""
        outcome = self.attempt(who, "update public.profiles set is_public = %s", is_public)
        assert outcome == int(self.may_change(who, who))
        if outcome:
            self.rows[who] = replace(self.rows[who], is_public=is_public)

    @rule(who=PEOPLE, owner=PEOPLE, receiver=PEOPLE)
    def give_away(self, who: int, owner: int, receiver: int) -> None:
        outcome = self.attempt(
            who,
            "update public.profiles set user_id = %s where user_id = %s",
            self.users[receiver], self.users[owner],
        )  # fmt: skip
        reaches = self.may_change(who, owner)
        assert outcome == ("42501" if reaches and receiver != owner else int(reaches))

    @rule(who=PEOPLE, owner=PEOPLE)
    def delete(self, who: int, owner: int) -> None:
        outcome = self.attempt(who, "delete from public.profiles where user_id = %s", self.users[owner])
        assert outcome == int(self.may_change(who, owner))
        if outcome:
            del self.rows[owner]

    @rule(who=PEOPLE)
    def end_session(self, who: int) -> None:
        query = "update auth.sessions set not_after = now() - interval '1 s' where id = %s"
        self.connection.execute(query, (self.sessions[who],))
        self.living.discard(who)

    @rule(who=PEOPLE)
    def sign_in_again(self, who: int) -> None:
        self.sessions[who] = new_session(self.connection, self.users[who])
        self.living.add(who)

    @invariant()
    def everybody_sees_exactly_what_they_may(self) -> None:
        for who in range(4):
            with self.acting(who):
                seen = {self.row(*found) for found in self.connection.execute(SEEN, (self.users,))}
            allowed = {row for row in self.rows.values() if row.owner == who or row.is_public}
            assert seen == (allowed if who in self.living else set())

    @invariant()
    def nobody_is_refused(self) -> None:
        with pytest.raises(psycopg.errors.InsufficientPrivilege), as_nobody(self.connection):
            self.connection.execute(SEEN, (self.users,))

    def row(self, user: UUID, name: str | None, is_public: bool) -> Row:
        return Row(self.users.index(user), name, is_public)


def test_random_people_doing_random_things(cluster: Cluster, migrated_database: str) -> None:
    with psycopg.connect(cluster.dsn("postgres", migrated_database)) as connection:
        machine = type("Machine", (Policies,), {"connection": connection})
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=50,
                stateful_step_count=40,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
