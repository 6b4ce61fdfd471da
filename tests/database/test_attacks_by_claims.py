"""Attacks with roles and claims, and with what runs in a query: what each gets out."""

from __future__ import annotations

import json

import psycopg
import pytest
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from signet_db.testing import as_role, as_user, expect_denied, expect_no_rows
from tests.database.attacked import Place, outcome_of

NOTES = "select * from public.attacked_notes"


@pytest.mark.parametrize(
    ("role", "claims", "outcome"),
    [
        ("anon", {"role": "anon"}, "42501"),
        ("anon", {"role": "anon", "sub": "alice", "session_id": "alice_session"}, "42501"),
        ("authenticated", None, 0),
        ("authenticated", {}, 0),
        ("authenticated", {"sub": None}, 0),
        ("authenticated", {"sub": ""}, "22P02"),
        ("authenticated", {"sub": "' or true --"}, "22P02"),
        ("authenticated", {"sub": ["alice"]}, "22P02"),
        ("authenticated", {"sub": "alice"}, 0),
        ("authenticated", {"sub": "alice", "session_id": None}, 0),
        ("authenticated", {"sub": "alice", "session_id": "bob_session"}, 0),
        ("authenticated", {"sub": "alice", "session_id": "nonsense"}, "22P02"),
        ("authenticated", {"sub": "alice", "session_id": "alice_session", "exp": 1}, 1),
        ("service_role", {"role": "service_role"}, 2),
        ("none", {"sub": "alice", "session_id": "alice_session"}, "42501"),
    ],
)
def test_claims(place: Place, role: str, claims: dict[str, object] | None, outcome: int | str) -> None:
    """Nobody, null, empty, foreign and malformed claims reach nothing; expiry is the verifier's business."""
    known = claims and {
        key: str(place.ids[value]) if isinstance(value, str) and value in place.ids else value
        for key, value in claims.items()
    }
    with place.request(known, role) as connection:
        assert outcome_of(connection, "select * from public.profiles", {}) == outcome


@pytest.mark.parametrize(
    ("role", "sqlstate"), [("nonsense", "22023"), ("postgres", "42501"), ("supabase_admin", "42501")]
)
def test_roles_that_a_token_may_not_name(place: Place, role: str, sqlstate: str) -> None:
    with psycopg.connect(place.cluster.dsn("authenticator", place.name)) as connection:
        assert outcome_of(connection, f"set local role {role}", {}) == sqlstate


def test_reset_role_gives_the_login_role_which_may_nothing(place: Place) -> None:
    with place.request(place.claims("alice"), "authenticated") as connection:
        connection.execute("reset role")
        assert connection.execute("select current_user").fetchone() == ("authenticator",)
        assert outcome_of(connection, NOTES, {}) == "42501"


def test_claims_set_within_sql_are_believed(place: Place) -> None:
    """That is why raw SQL must never be reachable, and no exposed function may set request.* or the role."""
    with place.request(place.claims("alice"), "authenticated") as connection:
        bob = json.dumps(place.claims("bob"))
        connection.execute("select set_config('request.jwt.claims', %s, true)", (bob,))
        assert connection.execute("select id from public.attacked_notes").fetchall() == [
            (place.ids["bob_note"],)
        ]


def test_nothing_is_left_on_a_connection(place: Place) -> None:
    """Claims and role end with the transaction, for people who take turns on one connection."""
    with psycopg.connect(place.cluster.dsn("authenticator", place.name), autocommit=True) as connection:
        for who in ("alice", "bob") * 20:
            with connection.transaction(), as_role(connection, "authenticated", place.claims(who)):
                rows = connection.execute("select user_id from public.attacked_notes").fetchall()
                assert rows == [(place.ids[who],)]
            assert outcome_of(connection, NOTES, {}) == "42501"
            left = connection.execute("select current_setting('request.jwt.claims', true), current_user")
            assert left.fetchone() == ("", "authenticator")


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("attacked_notes", {"alice's secret 42"}),
        ("attacked_notes_by_owner", {"alice's secret 42", "bob's secret 42"}),
    ],
)
def test_a_function_in_a_condition_is_told_visible_rows_only(
    place: Place, table: str, told: set[str]
) -> None:
    """Policies come first on a table; a view that runs as its owner tells everything."""
    heard: set[str] = set()
    with place.request(place.claims("alice"), "authenticated") as connection:
        connection.add_notice_handler(lambda notice: heard.add(notice.message_primary or ""))
        connection.execute(
            sql.SQL("select 1 from public.{} where public.tell(title)").format(sql.Identifier(table))
        )
    assert heard == told


@pytest.mark.parametrize(("condition", "outcome"), [("alice", "22012"), ("bob", 0)])
def test_an_error_in_a_condition_tells_of_own_rows_only(
    place: Place, condition: str, outcome: int | str
) -> None:
    """Division by zero happens for a visible row, and not for a hidden one."""
    with place.request(place.claims("alice"), "authenticated") as connection:
        statement = (
            "select 1 from public.attacked_notes"
            " where 1 / (case when title like %(like)s then 0 else 1 end) = 0"
        )
        assert outcome_of(connection, statement, {"like": f"{condition}%"}) == outcome


def test_a_definer_without_a_search_path_is_hijacked(place: Place) -> None:
    """Given the right to make temporary tables, which role PUBLIC does not have here."""
    database = sql.Identifier(place.name)
    with psycopg.connect(place.cluster.dsn("postgres", place.name)) as owner:
        owner.execute(sql.SQL("grant temporary on database {} to authenticated").format(database))
        with as_role(owner, "authenticated", place.claims("alice")):
            owner.execute("create temporary table without_rls as select from generate_series(1, 999)")
            owner.execute("grant select on without_rls to public")
            assert owner.execute("select public.count_hijacked()").fetchone() == (999,)
            assert owner.execute("select public.count_pinned()").fetchone() == (2,)
        owner.rollback()


def test_a_definer_carries_its_rights_to_whoever_may_call_it(place: Place) -> None:
    with psycopg.connect(place.cluster.dsn("postgres", place.name)) as owner:
        owner.execute("grant execute on function public.empty_it() to anon")
        with as_role(owner, "anon"):
            owner.execute("select public.empty_it()")
        assert owner.execute("select from public.without_rls").rowcount == 0
        owner.rollback()


def test_an_owner_passes_policies_unless_they_are_forced(place: Place) -> None:
    """An owner without BYPASSRLS, as on other platforms: 2 rows, then its own."""
    with psycopg.connect(place.cluster.dsn("postgres", place.name)) as owner:
        owner.execute("create role plain_owner")
        owner.execute("grant plain_owner to postgres")
        owner.execute("grant usage, create on schema public to plain_owner")
        owner.execute("grant usage on schema auth, private to plain_owner")
        owner.execute("alter table public.attacked_notes owner to plain_owner")
        owner.execute("alter table public.attacked_notes no force row level security")
        with as_role(owner, "plain_owner", place.claims("alice")):
            assert outcome_of(owner, NOTES, {}) == 2
            owner.execute("alter table public.attacked_notes force row level security")
            assert outcome_of(owner, NOTES, {}) == 0
        owner.rollback()


def test_passing_policies_is_no_right_on_a_table(place: Place) -> None:
    """BYPASSRLS opens rows, not tables."""
    with place.request({"role": "service_role"}, "service_role") as connection:
        assert outcome_of(connection, "select * from public.without_grant", {}) == "42501"


def test_a_statement_timeout_ends_a_query_but_its_role_may_lift_it(place: Place) -> None:
    with place.request(place.claims("alice"), "authenticated") as connection:
        connection.execute("set local statement_timeout = '20ms'")
        connection.execute("savepoint before")
        assert outcome_of(connection, "select pg_sleep(10)", {}) == "57014"
        connection.execute("rollback to before")
        connection.execute("set local statement_timeout = 0")
        assert outcome_of(connection, "select pg_sleep(0.03)", {}) == 1


def test_what_others_run_is_masked(place: Place) -> None:
    with (
        psycopg.connect(place.cluster.dsn("postgres", place.name)) as other,
        place.request(place.claims("alice"), "authenticated") as connection,
    ):
        other.execute("select 'a secret in a query'")
        pid = other.info.backend_pid
        row = connection.execute("select query from pg_stat_activity where pid = %s", (pid,)).fetchone()
        assert row == ("<insufficient privilege>",)


def test_the_helpers_themselves_refuse_what_is_not_denied(place: Place) -> None:
    """A test that says "denied" must fail when it is not."""
    with psycopg.connect(place.cluster.dsn("postgres", place.name)) as connection:
        with as_user(connection, place.ids["alice"]):
            with pytest.raises(AssertionError, match="it passed with 1 row"):
                expect_denied(connection, "select * from public.attacked_notes")
            with pytest.raises(AssertionError, match="got 42703"):
                expect_denied(connection, "select nonsense from public.attacked_notes")
            with pytest.raises(AssertionError, match="reached 1"):
                expect_no_rows(connection, "delete from public.attacked_notes")
            expect_no_rows(connection, "delete from public.attacked_notes where id = %(bob_note)s", place.ids)
            assert count(connection) == 1
        connection.rollback()


def count(connection: Connection[TupleRow]) -> int:
    return connection.execute("select from public.attacked_notes").rowcount
