"""The matrix through the data API, with the official client and real access tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from postgrest import APIError, SyncRequestBuilder
from postgrest.types import ReturnMethod

from tests.database.official_client import People, add_people, client
from tests.database.policy_matrix import MATRIX, PEOPLE, Operation, Outcome
from tests.signet_stack.rest.conftest import Api

Call = Callable[[SyncRequestBuilder, dict[str, Any]], Any]

# What cannot be said in a request (truncate, reference) is not here.
CALLS: dict[str, Call] = {
    "read alice": lambda table, ids: table.select("*").eq("user_id", ids["alice"]),
    "read all": lambda table, ids: table.select("*").in_(
        "user_id", [ids[n] for n in ("alice", "bob", "charlie")]
    ),
    "insert own": lambda table, ids: table.insert({"display_name": "New"}),
    "insert for charlie": lambda table, ids: table.insert({"user_id": ids["charlie"]}),
    "insert without owner": lambda table, ids: table.insert({"user_id": None}),
    "update alice": lambda table, ids: table.update({"display_name": "Changed"}).eq("user_id", ids["alice"]),
    "give alice's to charlie": lambda table, ids: table.update({"user_id": ids["charlie"]}).eq(
        "user_id", ids["alice"]
    ),
    "take alice's": lambda table, ids: table.update({"user_id": ids["me"]}).eq("user_id", ids["alice"]),
    "upsert onto alice by owner": lambda table, ids: table.upsert(
        {"user_id": ids["alice"], "display_name": "Changed"}, on_conflict="user_id"
    ),
    "upsert onto alice by id": lambda table, ids: table.upsert(
        {"id": ids["alice_row"], "user_id": ids["me"], "display_name": "Changed"}
    ),
    "delete alice": lambda table, ids: table.delete().eq("user_id", ids["alice"]),
}
CELLS = [
    pytest.param(operation, who, outcome, id=f"{who}-{operation}")
    for operation in MATRIX
    if operation.name in CALLS
    for who, outcome in zip(PEOPLE, operation.outcomes, strict=True)
]


def outcome_of(people: People, who: str, operation: Operation) -> Outcome:
    """Return how many rows the request reaches, or the code of its refusal."""
    ids = {name: str(value) for name, value in people.ids.items()}
    call = CALLS[operation.name](people.profiles(who), {**ids, "me": ids.get(who)})
    try:
        return len(call.execute().data)
    except APIError as error:
        return error.code or "no code"


@pytest.mark.parametrize(("operation", "who", "outcome"), CELLS)
def test_matrix(data_api: Api, operation: Operation, who: str, outcome: Outcome) -> None:
    """Every person gets exactly the rows, or the refusal, of the table."""
    people = add_people(data_api, alice_is_public=operation.alice_is_public)
    assert outcome_of(people, who, operation) == outcome


@pytest.mark.parametrize("who", ["nobody", "alice", "bob"])
def test_an_insert_for_another_is_refused_also_when_nothing_is_returned(data_api: Api, who: str) -> None:
    """A returned row would be hidden by the policy for reading; this asks the one for inserting alone."""
    people = add_people(data_api)
    row = {"user_id": str(people.ids["charlie"])}
    with pytest.raises(APIError) as caught:
        people.profiles(who).insert(row, returning=ReturnMethod.minimal).execute()
    assert caught.value.code == "42501"


def test_every_operation_is_called_or_cannot_be() -> None:
    assert {operation.name for operation in MATRIX} - CALLS.keys() == {"truncate", "reference"}


@pytest.mark.parametrize(
    "end",
    [
        "delete from auth.sessions where id = %(alice_session)s",
        "update auth.sessions set not_after = now() - interval '1 s' where id = %(alice_session)s",
        "update auth.users set banned_until = now() + interval '1 h' where id = %(alice)s",
        "update auth.users set deleted_at = now() where id = %(alice)s",
    ],
    ids=["signed out", "over", "banned", "deleted"],
)
def test_an_unexpired_token_of_an_ended_session_reaches_nothing(data_api: Api, end: str) -> None:
    """At once, with the very client that worked a moment ago."""
    people = add_people(data_api, alice_is_public=True)
    mine = {name: str(value) for name, value in people.ids.items()}
    table = people.profiles("alice")
    assert len(table.select("*").eq("user_id", mine["alice"]).execute().data) == 1
    with psycopg.connect(data_api.database_dsn) as connection:
        assert connection.execute(end.encode(), people.ids).rowcount == 1
    assert table.select("*").execute().data == []
    assert table.update({"display_name": "x"}).eq("user_id", mine["alice"]).execute().data == []
    assert table.delete().eq("user_id", mine["alice"]).execute().data == []
    for row in ({"user_id": mine["alice"]}, {"display_name": "x"}):
        with pytest.raises(APIError) as caught:
            table.insert(row).execute()
        assert caught.value.code == "42501"


def test_account_functions_through_the_client(data_api: Api) -> None:
    """Sessions are listed and ended, and the account deleted, by the person alone."""
    people = add_people(data_api)
    alice = client(data_api, people.token_of("alice"))
    sessions = alice.rpc("list_my_sessions").execute().data
    assert [(row["id"], row["is_current"]) for row in sessions] == [(str(people.ids["alice_session"]), True)]
    theirs = str(people.ids["bob_session"])
    assert alice.rpc("end_my_session", {"session_id": theirs}).execute().data is False
    alice.rpc("delete_my_account").execute()
    assert alice.rpc("list_my_sessions").execute().data == []
    with psycopg.connect(data_api.database_dsn) as connection:
        left = connection.execute(
            "select u.id from auth.users u where u.id in (%(alice)s, %(bob)s)", people.ids
        ).fetchall()
    assert left == [(people.ids["bob"],)]


@pytest.mark.parametrize("call", ["list_my_sessions", "delete_my_account"])
@pytest.mark.parametrize(("who", "status"), [("nobody", "401"), ("service", "403")])
def test_others_may_not_call_account_functions(data_api: Api, call: str, who: str, status: str) -> None:
    people = add_people(data_api)
    response = data_api.http.post(
        f"/rpc/{call}", headers={"apikey": people.token_of(who), "Authorization": ""}, json={}
    )
    assert (str(response.status_code), response.json()["code"]) == (status, "42501")


def test_private_is_not_exposed(data_api: Api) -> None:
    people = add_people(data_api)
    response = data_api.http.post(
        "/rpc/session_is_live",
        headers={"Authorization": f"Bearer {people.token_of('alice')}", "Content-Profile": "private"},
        json={},
    )
    assert (response.status_code, response.json()["code"]) == (406, "PGRST106")
