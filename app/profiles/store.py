"""Queries on the table `profiles` as the signed-in user.

Trust boundary: the database's policies decide which rows a query reaches; the filters here only select. A
write that reached no row is detected and explained, because the data API counts it as a success. Every
function raises SessionEnded when the user's session was ended elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from app.errors import Conflict, NotAllowed
from app.service_errors import Attempt, Operation, explained_as_user
from app.web.session import require_live_session
from flask_signet.clients import user_client
from flask_signet.gatekeeper import Identity

if TYPE_CHECKING:
    from postgrest import SyncRequestBuilder

TABLE = "profiles"
PAGE_SIZE = 24
VERSION_MAX = 64  # characters of a timestamp


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
    """Return the user's own profile, None if there is none."""
    with explained_as_user(Attempt("read", TABLE)):
        rows = _rows(user_client(identity).rpc("my_profile", get=True).execute().data)
    return Profile.of(rows[0]) if rows else None


def create(identity: Identity, entry: Entry) -> None:
    """Insert the user's profile; the database sets its owner. Raises ProfileChanged if there is one."""
    try:
        with explained_as_user(Attempt("create", TABLE)):
            _table(identity).insert(entry.columns()).execute()
    except Conflict as error:
        raise ProfileChanged(find_own(identity)) from error


def change(identity: Identity, entry: Entry, version: str) -> None:
    """Update the user's profile if it still has this version; raises ProfileChanged otherwise."""
    if len(version) > VERSION_MAX:  # not from our form, and too long for an address
        raise ProfileChanged(find_own(identity))
    with explained_as_user(Attempt("change", TABLE)):
        query = _table(identity).update(entry.columns())
        done = query.eq("user_id", str(identity.user_id)).eq("updated_at", version).execute().data
    if done:
        return
    current = find_own(identity)
    if current is not None and current.version == version:
        raise _nothing_reached("change")
    raise ProfileChanged(current)


def delete(identity: Identity) -> bool:
    """Delete the user's profile; return whether there was one."""
    with explained_as_user(Attempt("delete", TABLE)):
        done = _table(identity).delete().eq("user_id", str(identity.user_id)).execute().data
    if not done and find_own(identity) is not None:
        raise _nothing_reached("delete")
    return bool(done)


def list_public(identity: Identity, page: int) -> tuple[list[Profile], bool]:
    """Return one page of the public profiles of others, and whether more follow."""
    first = (page - 1) * PAGE_SIZE
    with explained_as_user(Attempt("read", TABLE)):
        query = _table(identity).select("*").eq("is_public", True).neq("user_id", str(identity.user_id))
        # Ordered by the key last, so that equal names keep their order from page to page.
        ordered = query.order("display_name").order("id").range(first, first + PAGE_SIZE)
        rows = _rows(ordered.execute().data)
    if not rows:
        require_live_session(identity)
    return [Profile.of(row) for row in rows[:PAGE_SIZE]], len(rows) > PAGE_SIZE


def _table(identity: Identity) -> SyncRequestBuilder:
    return user_client(identity).table(TABLE)


def _rows(data: object) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", data)


def _nothing_reached(operation: Operation) -> NotAllowed:
    """Return the refusal for a write that a policy filtered out, which the data API counts as a success."""
    return NotAllowed(
        f"The policies of the database do not let you {operation} this row of the table “{TABLE}”.",
        code="refused_by_policy",
        hint="Nothing was changed.",
        detail=f"{operation} {TABLE}: 0 rows reached",
    )
