"""From the outcome of a transaction to status, headers and body."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

from devstack.rest import hooks
from devstack.rest.errors import Headers, RestError, is_header
from devstack.rest.pipeline import Row
from devstack.rest.plan.request import Plan, Target
from devstack.rest.preferences import ALWAYS
from devstack.rest.settings import RestSettings
from devstack.rest.transaction import Outcome

JSON_TYPE = "application/json; charset=utf-8"
APPLIED = {
    "POST": ALWAYS | {"resolution", "missing", "return"},
    "PATCH": ALWAYS | {"missing", "return", "max-affected"},
    "PUT": ALWAYS | {"return"},
    "DELETE": ALWAYS | {"return", "max-affected"},
}


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back to the caller."""

    status: int
    headers: Headers
    body: bytes = b""
    reason: str | None = None

    @property
    def status_line(self) -> str:
        """Status and reason phrase; clients compare the phrase."""
        try:
            return f"{self.status} {self.reason or HTTPStatus(self.status).phrase}"
        except ValueError:
            return f"{self.status} Unknown"


def error_reply(error: RestError) -> Reply:
    """Return the reply for a refused request."""
    headers = [("Content-Type", JSON_TYPE)]
    if is_header("Proxy-Status", error.code):
        headers.append(("Proxy-Status", f"PostgREST; error={error.code}"))
    if error.status == 503:
        headers.append(("Retry-After", "1"))
    return Reply(error.status, (*headers, *error.headers), error.body(), error.reason)


def profile_header(target: Target, settings: RestSettings) -> Headers:
    """Name the schema where the caller named it or might mean another."""
    is_needed = target.is_named or len(settings.schemas) > 1
    return (("Content-Profile", target.schema),) if is_needed else ()


class Conclusion:
    """Reads the outcome of one planned request, refuses what must be rolled back, writes the reply."""

    def __init__(self, plan: Plan, path: str, settings: RestSettings) -> None:
        self._plan = plan
        self._path = path
        self._settings = settings

    def check(self, outcome: Outcome) -> bool:
        """Raise for results that the request forbids; tell whether to commit."""
        plan = self._plan
        rows = self._page_rows(outcome)
        if plan.media.plan_format is None:
            if plan.write is not None and plan.method == "PUT" and rows != 1:
                message = "Payload values do not match URL in primary key column(s)"
                raise RestError("PGRST115", message)
            if plan.media.kind == "object" and rows != 1:
                message = "Cannot coerce the result to a single JSON object"
                raise RestError("PGRST116", message, details=f"The result contains {rows} rows")
            self._check_affected(rows)
            hooks.read(*outcome.main[0][4:6])
        ends = plan.preferences.get("tx") if self._settings.end_override else None
        return ends != "rollback" if ends else not self._settings.rolls_back

    def reply(self, outcome: Outcome) -> Reply:
        """Return the reply to a request that succeeded."""
        if self._plan.media.plan_format is not None:
            lines = b"\n".join(row[0] or b"" for row in outcome.main)
            return self._finish(200, [], lines)
        row = outcome.main[0]
        rows = int(row[1] or 0)
        if self._plan.write is not None:
            status, headers = self._after_write(row, rows)
        else:
            status, headers = self._after_read(outcome, rows)
        own_headers, own_status = hooks.read(row[4], row[5])
        return self._finish(own_status or status, headers + own_headers, row[2] or b"")

    def _page_rows(self, outcome: Outcome) -> int:
        return 0 if self._plan.media.plan_format else int(outcome.main[0][1] or 0)

    def _check_affected(self, rows: int) -> None:
        limit = self._plan.preferences.max_affected
        call = self._plan.call
        if limit is None or (call is None and self._plan.method not in ("PATCH", "DELETE")):
            return
        if call is not None and not call.routine.returns_set:
            rule = "when max-affected preference is used with handling=strict"
            raise RestError("PGRST128", f"Function must return SETOF or TABLE {rule}")
        if rows > limit:
            message = "Query result exceeds max-affected preference constraint"
            raise RestError("PGRST124", message, details=f"The query affects {rows} rows")

    def _after_read(self, outcome: Outcome, rows: int) -> tuple[int, list[tuple[str, str]]]:
        plan = self._plan
        total = _total(outcome, self._settings.max_rows)
        offset = plan.read.window.offset
        if total is not None and offset > total:
            raise _beyond(offset, total)
        headers = [("Content-Range", _content_range(offset, rows, total))]
        if plan.call is None:
            query = f"?{plan.query.canonical}" if plan.query.canonical else ""
            headers.append(("Content-Location", f"{self._path}{query}"))
        elif plan.call.routine.returns == "void":
            return 204, headers
        return (206 if total is not None and rows < total else 200), headers

    def _after_write(self, row: Row, rows: int) -> tuple[int, list[tuple[str, str]]]:
        plan = self._plan
        counted = str(rows) if plan.preferences.get("count") in ("exact", "estimated") else "*"
        headers: list[tuple[str, str]] = []
        if row[3] is not None and rows == 1 and plan.write is not None:
            headers.append(("Location", _location(self._path, plan.write.location, json.loads(row[3]))))
        if plan.method == "PATCH":
            headers.append(("Content-Range", f"0-{rows - 1}/{counted}" if rows else f"*/{counted}"))
        elif plan.method != "PUT":
            headers.append(("Content-Range", f"*/{counted}"))
        inserted = int(row[6] or 0) > 0
        is_upsert = plan.write is not None and plan.write.conflict is not None and plan.write.conflict.merges
        if plan.method == "POST":
            return (201 if inserted or not is_upsert else 200), headers
        if not plan.returns_rows:
            return 204, headers
        return (201 if plan.method == "PUT" and inserted else 200), headers

    def _finish(self, status: int, headers: list[tuple[str, str]], body: bytes) -> Reply:
        plan = self._plan
        if applied := plan.preferences.applied(self._applicable()):
            headers.append(("Preference-Applied", applied))
        if status != 204 and (plan.returns_rows or plan.media.plan_format):
            if not any(name.lower() == "content-type" for name, _ in headers):
                headers.append(("Content-Type", plan.media.content_type))
            headers += profile_header(plan.target, self._settings)
        else:
            body = b""
        return Reply(status, tuple(headers), body)

    def _applicable(self) -> frozenset[str]:
        plan = self._plan
        kinds = ALWAYS if plan.write is None else APPLIED[plan.method]
        if plan.write is not None and plan.write.conflict is None:
            kinds -= {"resolution"}
        if plan.call is not None:
            kinds |= {"max-affected"}
        if not plan.preferences.is_strict:
            kinds -= {"max-affected"}
        return kinds if self._settings.end_override else kinds - {"tx"}


def _total(outcome: Outcome, max_rows: int) -> int | None:
    """The exact count, the planner's estimate, or exact up to max_rows and estimated beyond."""
    exact = outcome.main[0][0]
    planned = json.loads(outcome.count[0][0] or b"")[0]["Plan"]["Plan Rows"] if outcome.count else None
    if exact is None:
        return None if planned is None else int(planned)
    if planned is not None and int(exact) > max_rows:
        return max(int(planned), max_rows + 1)
    return int(exact)


def _content_range(offset: int, rows: int, total: int | None) -> str:
    page = f"{offset}-{offset + rows - 1}" if rows else "*"
    return f"{page}/{'*' if total is None else total}"


def _beyond(offset: int, total: int) -> RestError:
    return RestError(
        "PGRST103",
        "Requested range not satisfiable",
        details=f"An offset of {offset} was requested, but there are only {total} rows.",
        headers=(("Content-Range", f"*/{total}"),),
    )


def _location(path: str, columns: Iterable[str], values: Iterable[str | None]) -> str:
    pairs = zip(columns, values, strict=True)
    filters = (f"{quote(c, '')}={'is.null' if v is None else 'eq.' + quote(v, '')}" for c, v in pairs)
    return f"{path}?{'&'.join(filters)}"
