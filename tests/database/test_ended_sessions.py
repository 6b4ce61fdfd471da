"""Whatever ends a session closes the data at once: the same unexpired access token reads and writes nothing.

Everything real: Auth, data API and the official client against the local stack.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest
from postgrest import APIError
from supabase import Client, ClientOptions, create_client

from signet_stack.handle import RunningStack
from tests.support import cast
from tests.support.patience import HANG_SECONDS


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=HANG_SECONDS) as client:
        yield client


def connect(stack: RunningStack, http: httpx.Client, key: str = "") -> Client:
    """Return a client with nobody signed in."""
    options = ClientOptions(auto_refresh_token=False, persist_session=False, httpx_client=http)
    return create_client(stack.api_url, key or stack.publishable_key, options)


def as_token(stack: RunningStack, http: httpx.Client, access_token: str) -> Client:
    """Return a client that sends this access token whatever happens to its session."""
    options = ClientOptions(
        headers={"Authorization": f"Bearer {access_token}"},
        auto_refresh_token=False,
        persist_session=False,
        httpx_client=http,
    )
    return create_client(stack.api_url, stack.publishable_key, options)


def sign_out(stack: RunningStack, http: httpx.Client, first: Client, second: Client) -> None:
    first.auth.sign_out({"scope": "local"})


def sign_out_elsewhere(stack: RunningStack, http: httpx.Client, first: Client, second: Client) -> None:
    second.auth.sign_out({"scope": "others"})


def sign_out_everywhere(stack: RunningStack, http: httpx.Client, first: Client, second: Client) -> None:
    second.auth.sign_out({"scope": "global"})


def change_password(stack: RunningStack, http: httpx.Client, first: Client, second: Client) -> None:
    second.auth.update_user({"password": f"{cast.PASSWORD}, changed"})


def ban(stack: RunningStack, http: httpx.Client, first: Client, second: Client) -> None:
    session = first.auth.get_session()
    assert session is not None
    service = connect(stack, http, stack.secret_key)
    service.auth.admin.update_user_by_id(session.user.id, {"ban_duration": "1h"})


def delete_account(stack: RunningStack, http: httpx.Client, first: Client, second: Client) -> None:
    second.rpc("delete_my_account").execute()


def end_session(stack: RunningStack, http: httpx.Client, first: Client, second: Client) -> None:
    """From the list of sessions, on another device."""
    sessions = second.rpc("list_my_sessions").execute().data
    (other,) = [session["id"] for session in sessions if not session["is_current"]]
    assert second.rpc("end_my_session", {"session_id": other}).execute().data is True


@pytest.mark.parametrize(
    "end",
    [sign_out, sign_out_elsewhere, sign_out_everywhere, change_password, ban, delete_account, end_session],
)
def test_the_token_of_an_ended_session_reaches_nothing(
    stack: RunningStack, http: httpx.Client, end: Callable[..., None]
) -> None:
    alice = cast.alice()
    first, second = connect(stack, http), connect(stack, http)
    first.auth.sign_up({"email": alice.email, "password": alice.password})
    second.auth.sign_in_with_password({"email": alice.email, "password": alice.password})
    session = first.auth.get_session()
    assert session is not None
    table = as_token(stack, http, session.access_token).table("profiles")
    table.insert({"display_name": "Alice", "is_public": True}).execute()
    own = session.user.id
    assert len(table.select("*").eq("user_id", own).execute().data) == 1

    end(stack, http, first, second)

    assert table.select("*").execute().data == []
    assert table.update({"display_name": "x"}).eq("user_id", own).execute().data == []
    assert table.delete().eq("user_id", own).execute().data == []
    with pytest.raises(APIError) as caught:
        table.insert({"user_id": own}).execute()
    assert caught.value.code == "42501"
    again = as_token(stack, http, session.access_token)
    assert again.rpc("list_my_sessions").execute().data == []
    with pytest.raises(APIError) as caught:
        again.rpc("delete_my_account").execute()
    assert caught.value.code == "42501"
