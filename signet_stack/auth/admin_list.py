"""One page of the list of accounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg import sql
from psycopg.rows import class_row

from signet_stack.auth.errors import AuthError, invalid
from signet_stack.auth.users import COLUMNS, NIL, Rows, User

DEFAULT_SIZE = 50
MAX_SIZE = 1000
MAX_PAGE = 10_000_000
_WHERE = sql.SQL(
    "instance_id = %(instance)s and (%(filter)s::text is null"
    " or strpos(lower(coalesce(email, '')), lower(%(filter)s)) > 0"
    " or strpos(lower(coalesce(raw_user_meta_data ->> 'full_name', '')), lower(%(filter)s)) > 0)"
)


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of the list is wanted."""

    number: int
    size: int
    is_oldest_first: bool
    search: str | None


def read_page(arguments: Mapping[str, str]) -> Page:
    """Return the page that a query string asks for; raise AuthError."""
    if arguments.get("cursor") or arguments.get("limit"):
        raise AuthError(501, "not_implemented", "The local stack pages by page and per_page only")
    field, _, direction = arguments.get("sort", "created_at desc").partition(" ")
    if field != "created_at" or direction not in ("", "asc", "desc"):
        raise invalid("sort must be created_at, with asc or desc")
    return Page(
        _number(arguments, "page", 1, MAX_PAGE),
        _number(arguments, "per_page", DEFAULT_SIZE, MAX_SIZE),
        direction == "asc",
        arguments.get("filter", "").replace("\0", "") or None,
    )


def find(connection: Rows, page: Page) -> tuple[list[User], int]:
    """Return the accounts of a page, and how many there are in all."""
    values = {
        "instance": NIL,
        "filter": page.search,
        "limit": page.size,
        "offset": (page.number - 1) * page.size,
    }
    order = sql.SQL("asc" if page.is_oldest_first else "desc")
    statement = sql.SQL(
        "select {} from auth.users where {} order by created_at {}, id limit %(limit)s offset %(offset)s"
    )
    with connection.cursor(row_factory=class_row(User)) as cursor:
        found = cursor.execute(statement.format(COLUMNS, _WHERE, order), values).fetchall()
    counted = connection.execute(sql.SQL("select count(*) from auth.users where {}").format(_WHERE), values)
    row = counted.fetchone()
    return found, int(row[0]) if row else 0


def links(page: Page, total: int) -> list[tuple[str, int]]:
    """Return the relations of the Link header (RFC 8288) with their pages."""
    last = max(1, -(-total // page.size))
    return [*([("next", page.number + 1)] if page.number < last else []), ("last", last)]


def _number(arguments: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = arguments.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and len(text) < 10) or int(text) == 0:
        raise invalid(f"Bad Pagination Parameters: {name} must be a whole number above 0")
    return min(int(text), most)
