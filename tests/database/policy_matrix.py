"""Who may do what with a profile: the table that the tests run, by SQL and through the data API.

Alice and Bob have a profile each, Charlie has none, nobody is not signed in, and service is the role of the
secret key. An outcome is a number of rows, or the SQLSTATE of the refusal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import LiteralString

PEOPLE = ("nobody", "alice", "bob", "charlie", "service")
Outcome = int | str


@dataclass(frozen=True, slots=True)
class Operation:
    """One statement and its outcome for each of PEOPLE.

    Parameters are the ids of the users (``alice``), of Alice's row (``alice_row``) and of the caller
    (``me``).
    """

    name: str
    sql: LiteralString
    outcomes: tuple[Outcome, Outcome, Outcome, Outcome, Outcome]
    alice_is_public: bool = False

    def __str__(self) -> str:
        return f"{self.name} ({'public' if self.alice_is_public else 'private'})"


_READ_ONE: LiteralString = "select * from public.profiles where user_id = %(alice)s"
_READ_ALL: LiteralString = "select * from public.profiles where user_id in (%(alice)s, %(bob)s, %(charlie)s)"
_UPDATE: LiteralString = "update public.profiles set display_name = 'Changed' where user_id = %(alice)s"
_DELETE: LiteralString = "delete from public.profiles where user_id = %(alice)s"

MATRIX = (
    #                              nobody   alice    bob      charlie  service
    Operation("read alice", _READ_ONE, ("42501", 1, 0, 0, 1)),
    Operation("read alice", _READ_ONE, ("42501", 1, 1, 1, 1), alice_is_public=True),
    Operation("read all", _READ_ALL, ("42501", 1, 1, 0, 2)),
    Operation("read all", _READ_ALL, ("42501", 1, 2, 1, 2), alice_is_public=True),
    Operation(
        "insert own",
        "insert into public.profiles (display_name) values ('New')",
        ("42501", "23505", "23505", 1, "23502"),
    ),
    Operation(
        "insert for charlie",
        "insert into public.profiles (user_id) values (%(charlie)s)",
        ("42501", "42501", "42501", 1, 1),
    ),
    Operation(
        "insert without owner",
        "insert into public.profiles (user_id) values (null)",
        ("42501", "42501", "42501", "42501", "23502"),
    ),
    Operation("update alice", _UPDATE, ("42501", 1, 0, 0, 1)),
    Operation("update alice", _UPDATE, ("42501", 1, 0, 0, 1), alice_is_public=True),
    Operation(
        "give alice's to charlie",
        "update public.profiles set user_id = %(charlie)s where user_id = %(alice)s",
        ("42501", "42501", 0, 0, "42501"),
    ),
    Operation(
        "take alice's",
        "update public.profiles set user_id = %(me)s where user_id = %(alice)s",
        ("42501", 1, 0, 0, "42501"),
    ),
    Operation(
        "upsert onto alice by owner",
        "insert into public.profiles (user_id, display_name) values (%(alice)s, 'Changed')"
        " on conflict (user_id) do update"
        " set user_id = excluded.user_id, display_name = excluded.display_name",
        ("42501", 1, "42501", "42501", 1),
    ),
    Operation(
        "upsert onto alice by id",
        "insert into public.profiles (id, user_id, display_name) values (%(alice_row)s, %(me)s, 'Changed')"
        " on conflict (id) do update set id = excluded.id, user_id = excluded.user_id,"
        " display_name = excluded.display_name",
        ("42501", 1, "42501", "42501", "23502"),
    ),
    Operation("delete alice", _DELETE, ("42501", 1, 0, 0, 1)),
    Operation("delete alice", _DELETE, ("42501", 1, 0, 0, 1), alice_is_public=True),
    Operation("truncate", "truncate public.profiles", ("42501", "42501", "42501", "42501", "42501")),
    Operation(
        "reference",
        "create table public.spy (profile uuid references public.profiles)",
        ("42501", "42501", "42501", "42501", "42501"),
    ),
)
