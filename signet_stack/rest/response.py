"""Build a reply from the rows of a transaction: status, headers and body.

SQL code may set headers and status itself, by ``response.headers`` and ``response.status``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from signet_stack.rest.errors import Headers, RestError, is_header, phrase
from signet_stack.rest.pipeline import Row
from signet_stack.rest.plan.request import Plan, Target
from signet_stack.rest.preferences import ALWAYS
from signet_stack.rest.settings import RestSettings

JSON_TYPE = "application/json; charset=utf-8"
APPLIED = {
    "POST": ALWAYS | {"resolution", "missing", "return"},
    "PATCH": ALWAYS | {"missing", "return", "max-affected"},
    "PUT": ALWAYS | {"return"},
    "DELETE": ALWAYS | {"return", "max-affected"},
}

_StatusAndHeaders = tuple[int, list[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers and body."""

    status: int
    headers: Headers
    body: bytes = b""
    reason: str | None = None

    @property
    def status_line(self) -> str:
        """Status and reason phrase; clients compare the phrase."""
        return f"{self.status} {self.reason or phrase(self.status) or 'Unknown'}"


def error_reply(error: RestError) -> Reply:
    """Return the reply for a refused request."""
    headers = [("Content-Type", JSON_TYPE)]
    if is_header("Proxy-Status", error.code):
        headers.append(("Proxy-Status", f"PostgREST; error={error.code}"))
    if error.status == 503:
        headers.append(("Retry-After", "1"))
    return Reply(error.status, (*headers, *error.headers), error.body(), error.reason)


def profile_header(target: Target, settings: RestSettings) -> Headers:
    """Return Content-Profile if the request named its schema or several are exposed."""
    is_needed = target.is_named or len(settings.schemas) > 1
    return (("Content-Profile", target.schema),) if is_needed else ()


def build_reply(plan: Plan, path: str, settings: RestSettings, found: list[Row], planned: list[Row]) -> Reply:
    """Return the reply of a successful request; raise if the result breaks a rule of the request."""
    if plan.media.plan_format is not None:
        return _finish(plan, settings, 200, [], b"\n".join(row[0] or b"" for row in found))
    row = found[0]
    rows = int(row[1] or 0)
    _check(plan, rows)
    own_headers, own_status = set_by_sql(row[4], row[5])
    if plan.write is None:
        total = _total(row[0], planned, plan.max_rows)
        status, headers = _after_read(plan, path, rows, total)
        if total is not None and plan.read.window.offset > total:
            return _out_of_range(plan, settings, headers, total)
    else:
        status, headers = _after_write(plan, path, rows, row)
    return _finish(plan, settings, own_status or status, headers + own_headers, row[2] or b"")


def set_by_sql(headers: bytes | None, status: bytes | None) -> tuple[list[tuple[str, str]], int | None]:
    """Return the headers and the status that SQL code set; raise PGRST111 or PGRST112 if malformed."""
    if status is not None and not (status.isdigit() and 200 <= int(status) < 600):
        raise RestError("PGRST112", "response.status guc must be a valid status code")
    return _headers_set_by_sql(headers), int(status) if status is not None else None


def _headers_set_by_sql(text: bytes | None) -> list[tuple[str, str]]:
    if text is None:
        return []
    try:
        entries: Any = json.loads(text)
        if not isinstance(entries, list):
            raise ValueError
        pairs = [pair for entry in entries for pair in entry.items()]
        if len(pairs) != len(entries) or not all(is_header(name, value) for name, value in pairs):
            raise ValueError
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise RestError(
            "PGRST111",
            "response.headers guc must be a JSON array"
            " composed of objects with a single key and a string value",
        ) from None
    return pairs


def _check(plan: Plan, rows: int) -> None:
    if plan.write is not None and plan.method == "PUT" and rows != 1:
        raise RestError("PGRST115", "Payload values do not match URL in primary key column(s)")
    if plan.media.kind == "object" and rows != 1:
        message = "Cannot coerce the result to a single JSON object"
        raise RestError("PGRST116", message, details=f"The result contains {rows} rows")
    limit = plan.preferences.max_affected
    if limit is None or (plan.call is None and plan.method not in ("PATCH", "DELETE")):
        return
    if plan.call is not None and not plan.call.routine.returns_set:
        rule = "when max-affected preference is used with handling=strict"
        raise RestError("PGRST128", f"Function must return SETOF or TABLE {rule}")
    if rows > limit:
        message = "Query result exceeds max-affected preference constraint"
        raise RestError("PGRST124", message, details=f"The query affects {rows} rows")


def _after_read(plan: Plan, path: str, rows: int, total: int | None) -> _StatusAndHeaders:
    offset, shown = plan.read.window.offset, "*" if total is None else str(total)
    page = f"{offset}-{offset + rows - 1}" if rows else "*"
    headers = [("Content-Range", f"{page}/{shown}")]
    if plan.call is None:
        query = f"?{plan.query.canonical}" if plan.query.canonical else ""
        headers.append(("Content-Location", f"{path}{query}"))
    elif plan.call.routine.returns == "void":
        return 204, headers
    return (206 if total is not None and rows < total else 200), headers


def _out_of_range(plan: Plan, settings: RestSettings, headers: list[tuple[str, str]], total: int) -> Reply:
    """Return 416 (RFC 9110 section 15.5.17) with the headers that the page would have had."""
    offset, message = plan.read.window.offset, "Requested range not satisfiable"
    details = f"An offset of {offset} was requested, but there are only {total} rows."
    reply = error_reply(RestError("PGRST103", message, details=details))
    return _finish(plan, settings, reply.status, [*reply.headers, *headers], reply.body)


def _total(exact: bytes | None, planned: list[Row], max_rows: int) -> int | None:
    """Return the exact count, the planner's estimate, or exact up to max_rows and estimated beyond."""
    counted = None if exact is None else int(exact)
    if not planned or (counted is not None and counted <= max_rows):
        return counted
    estimate = int(json.loads(planned[0][0] or b"")[0]["Plan"]["Plan Rows"])
    return estimate if counted is None else max(estimate, max_rows + 1)


def _after_write(plan: Plan, path: str, rows: int, row: Row) -> _StatusAndHeaders:
    write, method = plan.write, plan.method
    counted = str(rows) if plan.preferences.get("count") in ("exact", "estimated") else "*"
    headers: list[tuple[str, str]] = []
    if row[3] is not None and rows == 1 and write is not None:
        headers.append(("Location", _location(path, write.location, json.loads(row[3]))))
    if method == "PATCH":
        headers.append(("Content-Range", f"0-{rows - 1}/{counted}" if rows else f"*/{counted}"))
    elif method != "PUT":
        headers.append(("Content-Range", f"*/{counted}"))
    inserted = int(row[6] or 0) > 0
    if method == "POST":
        return (200 if write and write.merges and not inserted else 201), headers
    if not plan.returns_rows:
        return 204, headers
    return (201 if method == "PUT" and inserted else 200), headers


def _location(path: str, columns: Iterable[str], values: Iterable[str | None]) -> str:
    pairs = zip(columns, values, strict=True)
    filters = (f"{quote(c, '')}={'is.null' if v is None else 'eq.' + quote(v, '')}" for c, v in pairs)
    return f"{path}?{'&'.join(filters)}"


def _finish(
    plan: Plan, settings: RestSettings, status: int, headers: list[tuple[str, str]], body: bytes
) -> Reply:
    if applied := plan.preferences.applied(_applicable(plan, settings)):
        headers.append(("Preference-Applied", applied))
    if status == 204 or not (plan.returns_rows or plan.media.plan_format):
        return Reply(status, tuple(headers))
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", plan.media.content_type))
    return Reply(status, (*headers, *profile_header(plan.target, settings)), body)


def _applicable(plan: Plan, settings: RestSettings) -> frozenset[str]:
    kinds = ALWAYS if plan.write is None else APPLIED[plan.method]
    if plan.write is not None and not plan.write.arbiter:
        kinds -= {"resolution"}
    if plan.call is not None:
        kinds |= {"max-affected"}
    if not plan.preferences.is_strict:
        kinds -= {"max-affected"}
    return kinds if settings.end_override else kinds - {"tx"}
