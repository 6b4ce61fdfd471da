"""The queries on the table `profiles`, as the person who asks.

Trust boundary: the database's policies decide what a query reaches. The filters here only say what is wanted;
a write that reached no row is noticed and explained, because the data API counts it as a success.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from app.errors import Conflict, NotAllowed
from app.service_errors import Attempt, Operation, explained
from flask_signet.clients import user_client
from flask_signet.gatekeeper import Identity

if TYPE_CHECKING:
    from postgrest import SyncRequestBuilder

TABLE = "profiles"
PAGE_SIZE = 24


@dataclass(frozen=True, slots=True)
class Profile:
    """One row; ``version`` is its time of change to the microsecond, to notice a change in between."""

    user_id: str
    display_name: str
    avatar_url: str
    is_public: bool
    created_at: datetime
    version: str

    @property
    def updated_at(self) -> datetime:
        return datetime.fromisoformat(self.version)

    @classmethod
    def of(cls, row: dict[str, Any]) -> Profile:
        """Read a row as the data API sends it."""
        return cls(
            user_id=row["user_id"],
            display_name=row["display_name"] or "",
            avatar_url=row["avatar_url"] or "",
            is_public=row["is_public"],
            created_at=datetime.fromisoformat(row["created_at"]),
            version=row["updated_at"],
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """What a person may write into their profile."""

    display_name: str
    avatar_url: str
    is_public: bool

    def columns(self) -> dict[str, object]:
        """Return the columns to write; nothing typed is stored as null."""
        return {
            "display_name": self.display_name or None,
            "avatar_url": self.avatar_url or None,
            "is_public": self.is_public,
        }


class ProfileChanged(Conflict):
    """Raised when the row is not any more what the form started from; ``current`` is what it is now."""

    code = "profile_changed"

    def __init__(self, current: Profile | None) -> None:
        self.current = current
        if current is None:
            super().__init__(
                "Your profile was deleted in the meantime, so nothing was saved.",
                hint="Press the button again to create it again.",
            )
        else:
            super().__init__(
                "Your profile was changed in another window in the meantime, so nothing was saved.",
                hint="Compare both versions. Press the button again to save yours.",
            )


def find_own(identity: Identity) -> Profile | None:
    """Return the person's own profile, if there is one that the policies let them see."""
    with explained(Attempt("read", TABLE)):
        query = _table(identity).select("*").eq("user_id", str(identity.user_id)).limit(1)
        rows = _rows(query.execute().data)
    return Profile.of(rows[0]) if rows else None


def create(identity: Identity, entry: Entry) -> None:
    """Make the person's profile, whose owner the database fills in; raises ProfileChanged if there is one."""
    try:
        with explained(Attempt("create", TABLE)):
            _table(identity).insert(entry.columns()).execute()
    except Conflict as error:
        raise ProfileChanged(find_own(identity)) from error


def change(identity: Identity, entry: Entry, version: str) -> None:
    """Change the person's profile, if it still has this version; raises ProfileChanged otherwise."""
    with explained(Attempt("change", TABLE)):
        query = _table(identity).update(entry.columns())
        done = query.eq("user_id", str(identity.user_id)).eq("updated_at", version).execute().data
    if done:
        return
    current = find_own(identity)
    if current is not None and current.version == version:
        raise _nothing_reached("change")
    raise ProfileChanged(current)


def delete(identity: Identity) -> bool:
    """Delete the person's profile; return whether there was one."""
    with explained(Attempt("delete", TABLE)):
        done = _table(identity).delete().eq("user_id", str(identity.user_id)).execute().data
    if not done and find_own(identity) is not None:
        raise _nothing_reached("delete")
    return bool(done)


def list_public(identity: Identity, page: int) -> tuple[list[Profile], bool]:
    """Return one page of the profiles that other people made public, and whether more follow."""
    first = (page - 1) * PAGE_SIZE
    with explained(Attempt("read", TABLE)):
        query = _table(identity).select("*").eq("is_public", True).neq("user_id", str(identity.user_id))
        # The key comes last so that people of the same name keep their places from page to page.
        ordered = query.order("display_name").order("id").range(first, first + PAGE_SIZE)
        rows = _rows(ordered.execute().data)
    return [Profile.of(row) for row in rows[:PAGE_SIZE]], len(rows) > PAGE_SIZE


def session_lives(identity: Identity) -> bool:
    """Whether the session behind the token still lives, asked when the policies showed nothing.

    A session that was ended on another device sees no rows at all, which must not read as "you have none".
    """
    with explained():
        return bool(user_client(identity).rpc("list_my_sessions").execute().data)


def _table(identity: Identity) -> SyncRequestBuilder:
    return user_client(identity).table(TABLE)


def _rows(data: object) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", data)


def _nothing_reached(operation: Operation) -> NotAllowed:
    """Return the refusal that the data API does not make: the row is there, and the policy hid it."""
    return NotAllowed(
        f"The policies of the database do not let you {operation} this row of the table “{TABLE}”.",
        code="refused_by_policy",
        hint="Nothing was changed.",
        detail=f"{operation} {TABLE}: 0 rows reached",
    )
