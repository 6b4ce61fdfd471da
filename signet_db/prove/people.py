"""The people that statements are tried as: rows in auth.users and auth.sessions, and full claims."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import Connection

from signet_db.acting import claims_of, new_session, new_user

HOLDERS = ("alice", "bob", "carol")
PUBLIC_HOLDER = "erin"  # whose rows carry a public flag
_KEYS = re.compile(r"user_meta_?data'?(?:::\w+)?\)?\s*->>?\s*'(\w+)'")
_LITERALS = re.compile(r"'([^']{1,60})'")
_MOST_VARIANTS = 6


@dataclass(frozen=True, slots=True)
class Person:
    """A role and claims; ``user`` is the name of the person in auth.users, None for anon."""

    name: str
    role: str
    user: str | None
    claims: str
    title: str

    @property
    def setting(self) -> str:
        """The statement that gives a transaction this role and these claims."""
        claims = self.claims.replace("'", "''")
        return (
            f"select set_config('role', '{self.role}', true),"
            f" set_config('request.jwt.claims', '{claims}', true)"
        )


@dataclass(frozen=True, slots=True)
class People:
    """Everybody who tries, and the ids of the users by name."""

    ids: Mapping[str, UUID]
    emails: Mapping[str, str]
    all: tuple[Person, ...]

    def named(self, name: str) -> Person:
        """Return a person by name."""
        return next(person for person in self.all if person.name == name)


TITLES = {
    "alice": "alice, who owns rows of her own",
    "bob": "bob, who owns rows of his own",
    "carol": "carol, a member of both tenants",
    "zoe": "zoe, who owns nothing and is a member of nothing",
    "nobody": "a request that is not signed in",
    "ended": "alice with a session that has ended",
    "aal1": "alice without her second factor",
    "anonymous": "an anonymous sign-in",
    "mallory": "mallory, who set her own user_metadata",
}


USERS = (*HOLDERS, PUBLIC_HOLDER, "zoe", "dave", "guest")


def add_users(connection: Connection[Any], mark: str) -> tuple[dict[str, UUID], dict[str, str]]:
    """Add the users to auth.users; return their ids and their e-mail addresses."""
    emails = {name: f"{name}.{mark}@example.com" for name in USERS}
    ids = {name: new_user(connection, emails[name], is_anonymous=name == "guest") for name in USERS}
    return ids, emails


def sign_in(
    connection: Connection[Any],
    ids: Mapping[str, UUID],
    emails: Mapping[str, str],
    tenants: Mapping[str, Mapping[str, object]],
    sources: Iterable[str],
    lures: Iterable[str],
) -> People:
    """Give each person a session and claims; ``tenants`` are the app_metadata of each user.

    ``sources`` are the texts of policies and functions: the keys of user_metadata that they read are what
    mallory sets, to the values they compare with and to ``lures``, the ids of other people's rows.
    """

    def person(name: str, user: str, aal: str = "aal2", **changed: Any) -> Person:
        session = new_session(connection, ids[user], aal=aal)
        app_metadata = {"provider": "email", "providers": ["email"], **tenants.get(user, {})}
        claims = claims_of(
            ids[user], session, email=emails.get(user, ""), aal=aal, app_metadata=app_metadata, **changed
        )
        return Person(name, "authenticated", user, json.dumps(claims), TITLES.get(name, TITLES["mallory"]))

    ended = person("ended", "alice")
    connection.execute("delete from auth.sessions where id = %s", (json.loads(ended.claims)["session_id"],))
    variants = self_chosen(sources, lures)
    ids = {**ids, **{_numbered(n): new_user(connection, user_metadata=one) for n, one in enumerate(variants)}}
    return People(
        ids,
        emails,
        (
            *(person(name, name) for name in (*HOLDERS, "zoe")),
            Person("nobody", "anon", None, '{"role": "anon"}', TITLES["nobody"]),
            ended,
            person("aal1", "alice", "aal1"),
            person("anonymous", "guest", "aal1", is_anonymous=True),
            *(person(_numbered(n), _numbered(n), user_metadata=one) for n, one in enumerate(variants)),
        ),
    )


def _numbered(number: int) -> str:
    return f"mallory{number + 1 if number else ''}"


def self_chosen(sources: Iterable[str], lures: Iterable[str]) -> list[dict[str, str]]:
    """Return user_metadata that could please the texts which read it; empty where none does."""
    texts = [text for text in sources if re.search("user_meta_?data", text)]
    keys = {key for text in texts for key in _KEYS.findall(text)}
    words = {word for text in texts for word in _LITERALS.findall(text)}
    values = [*sorted(words - keys - {"user_metadata", "raw_user_meta_data", "sub"}), "true", *lures]
    return [dict.fromkeys(sorted(keys), value) for value in values[:_MOST_VARIANTS]] if keys else []
