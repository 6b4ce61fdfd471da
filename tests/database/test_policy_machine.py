"""Random people do random things with profiles; nobody ever sees or changes what the model forbids.

The model is a dictionary of rows and a set of living sessions. After each change the database answers exactly
what the model expects, for everybody: too much is a leak, too little a lockout. The model also says which
statement is refused and which reaches no row.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import psycopg
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from psycopg import ClientCursor, Connection
from psycopg.rows import TupleRow

from signet_db.testing import claims_of, new_session, new_user
from signet_stack.postgres.cluster import Cluster

NAMES = st.sampled_from(["Ann", "Ben", None])
PEOPLE = st.integers(0, 3)
# Who does it, and to whose row: as often one's own as anybody's.
PAIRS = st.one_of(PEOPLE.map(lambda who: (who, who)), st.tuples(PEOPLE, PEOPLE))
BECOME = "select set_config('role', %s, true), set_config('request.jwt.claims', %s, true);"
BE_NOBODY = "select set_config('role', 'none', true), set_config('request.jwt.claims', '', true);"
SEEN = "select user_id, display_name, is_public from public.profiles where user_id = any (%s);"


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
        self.banned: set[int] = set()
        self.is_changed = True
        for owner, is_public in ((0, True), (1, False)):
            self.insert((owner, owner), "Ann", is_public)

    def teardown(self) -> None:
        self.connection.rollback()

    def attempt(self, who: int, statement: str, *values: Any) -> int | str:
        """Return how many rows a person's statement reaches, or the SQLSTATE of its refusal."""
        try:
            cursor = self.send(f"savepoint before; {BECOME} {statement};", *self.as_person(who), *values)
            while cursor.nextset():
                pass
            self.send(f"{BE_NOBODY} release before")
            self.is_changed |= cursor.rowcount > 0
            return cursor.rowcount
        except psycopg.Error as error:
            self.send("rollback to before; release before")
            return error.sqlstate or "no SQLSTATE"

    def send(self, text: str, *values: Any) -> ClientCursor[TupleRow]:
        """Send several statements at once: waiting for each would take most of the time."""
        return ClientCursor(self.connection).execute(text.encode(), values)

    def as_person(self, who: int) -> tuple[str, str]:
        """Return the role and the claims of a person's request."""
        return "authenticated", json.dumps(claims_of(self.users[who], self.sessions[who]))

    def may_change(self, who: int, owner: int) -> bool:
        return who == owner and self.is_in(who) and owner in self.rows

    def is_in(self, who: int) -> bool:
        return who in self.living - self.banned

    @rule(pair=PAIRS, name=NAMES, is_public=st.booleans())
    def insert(self, pair: tuple[int, int], name: str | None, is_public: bool) -> None:
        who, owner = pair
        outcome = self.attempt(
            who,
            "insert into public.profiles (user_id, display_name, is_public) values (%s, %s, %s)",
            self.users[owner], name, is_public,
        )  # fmt: skip
        if who != owner or not self.is_in(who):
            assert outcome == "42501"
        elif owner in self.rows:
            assert outcome == "23505"
        else:
            assert outcome == 1
            self.rows[owner] = Row(owner, name, is_public)

    @rule(pair=PAIRS, name=NAMES)
    def upsert(self, pair: tuple[int, int], name: str | None) -> None:
        who, owner = pair
        outcome = self.attempt(
            who,
            "insert into public.profiles (user_id, display_name) values (%s, %s)"
            " on conflict (user_id) do update set display_name = excluded.display_name",
            self.users[owner], name,
        )  # fmt: skip
        if who != owner or not self.is_in(who):
            assert outcome == "42501"
        else:
            assert outcome == 1
            self.rows[owner] = replace(self.rows.get(owner, Row(owner, name, False)), name=name)

    @rule(pair=PAIRS, name=NAMES, is_public=st.booleans())
    def update(self, pair: tuple[int, int], name: str | None, is_public: bool) -> None:
        who, owner = pair
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

    @rule(pair=PAIRS, receiver=PEOPLE)
    def give_away(self, pair: tuple[int, int], receiver: int) -> None:
        who, owner = pair
        outcome = self.attempt(
            who,
            "update public.profiles set user_id = %s where user_id = %s",
            self.users[receiver], self.users[owner],
        )  # fmt: skip
        reaches = self.may_change(who, owner)
        assert outcome == ("42501" if reaches and receiver != owner else int(reaches))

    @rule(pair=PAIRS)
    def delete(self, pair: tuple[int, int]) -> None:
        who, owner = pair
        outcome = self.attempt(who, "delete from public.profiles where user_id = %s", self.users[owner])
        assert outcome == int(self.may_change(who, owner))
        if outcome:
            del self.rows[owner]

    @rule(who=PEOPLE)
    def end_session(self, who: int) -> None:
        self.is_changed = True
        query = "update auth.sessions set not_after = now() - interval '1 s' where id = %s"
        self.connection.execute(query, (self.sessions[who],))
        self.living.discard(who)

    @rule(who=PEOPLE)
    def sign_in_again(self, who: int) -> None:
        self.is_changed = True
        self.sessions[who] = new_session(self.connection, self.users[who])
        self.living.add(who)

    @rule(who=PEOPLE, is_over=st.booleans())
    def ban(self, who: int, is_over: bool) -> None:
        """A ban holds until its time is over, and opens again what it closed."""
        self.is_changed = True
        until = "now() - interval '1 s'" if is_over else "now() + interval '1 h'"
        query = f"update auth.users set banned_until = {until} where id = %s"
        self.connection.execute(query.encode(), (self.users[who],))
        (self.banned.discard if is_over else self.banned.add)(who)

    @invariant()
    def everybody_sees_exactly_what_they_may(self) -> None:
        if not self.is_changed:
            return
        self.is_changed = False
        asked = [value for who in range(4) for value in (*self.as_person(who), self.users)]
        cursor = self.send((BECOME + SEEN) * 4 + BE_NOBODY, *asked)
        for who in range(4):
            cursor.nextset()
            seen = {self.row(*found) for found in cursor}
            allowed = {row for row in self.rows.values() if row.owner == who or row.is_public}
            assert seen == (allowed if self.is_in(who) else set())
            cursor.nextset()

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
