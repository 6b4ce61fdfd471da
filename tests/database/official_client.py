"""The official client, as one of the people of the policy matrix."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import psycopg
from postgrest import SyncRequestBuilder
from supabase import Client, ClientOptions, create_client

from signet_db.testing import claims_of, new_session, new_user
from tests.signet_stack.rest.conftest import Api
from tests.support.patience import HANG_SECONDS


@dataclass(frozen=True)
class People:
    """Alice and Bob with a profile each, Charlie without, and what the test sends as them."""

    ids: dict[str, UUID]  # of users and sessions, and of Alice's row
    api: Api = field(repr=False)

    def token_of(self, who: str) -> str:
        """Return what stands in the Authorization header: an access token, or an API key."""
        if who == "nobody":
            return self.api.context.api_keys.publishable
        if who == "service":
            return self.api.context.api_keys.secret
        return self.api.token(**claims_of(self.ids[who], self.ids[f"{who}_session"]))

    def profiles(self, who: str) -> SyncRequestBuilder:
        """Return the table as this person's client has it."""
        return client(self.api, self.token_of(who)).table("profiles")


def client(api: Api, token: str) -> Client:
    """Return a client that acts with this token, as the app makes it."""
    key = api.context.api_keys
    options = ClientOptions(
        headers={"Authorization": f"Bearer {token}"},
        auto_refresh_token=False,
        persist_session=False,
        httpx_client=httpx.Client(transport=api.http._transport, timeout=HANG_SECONDS),
    )
    return create_client(
        api.url.removesuffix("/rest/v1"), key.secret if token == key.secret else key.publishable, options
    )


def add_people(api: Api, *, alice_is_public: bool = False) -> People:
    """Make the people of one test."""
    with psycopg.connect(api.database_dsn) as connection, connection.pipeline():
        ids: dict[str, Any] = {}
        for name in ("alice", "bob", "charlie"):
            ids[name] = new_user(connection)
            ids[f"{name}_session"] = new_session(connection, ids[name])
        query = (
            "insert into public.profiles (user_id, display_name, is_public) values (%s, %s, %s) returning id"
        )
        connection.execute(query, (ids["bob"], "Bob", False))
        row = connection.execute(query, (ids["alice"], "Alice", alice_is_public)).fetchone()
    assert row is not None
    return People({**ids, "alice_row": row[0]}, api)
