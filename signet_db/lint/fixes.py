"""Fixes: the SQL that ends a finding, for the rules whose remedy is mechanical."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from signet_db.lint.finding import Finding

_POLICY = re.compile(r'(?P<table>.+?) "(?P<name>.+)"')
_LAST_NAME = re.compile(r'^(?P<table>.+)\.(?P<name>"(?:[^"]|"")+"|[^."]+)$')
_API_ROLES = "public, anon, authenticated"


def _policy(template: str) -> Callable[[str], str]:
    def write(title: str) -> str:
        match = _POLICY.fullmatch(title)
        return template.format(table=match["table"], policy=match["name"].replace('"', '""')) if match else ""

    return write


def _column_index(title: str) -> str:
    match = _LAST_NAME.match(title)
    return f"create index on {match['table']} ({match['name']});" if match else ""


def _on(template: str) -> Callable[[str], str]:
    return lambda title: template.format(title)


_REVOKED = _on(f"revoke all on {{}} from {_API_ROLES};")
_WRITERS: dict[str, Callable[[str], str]] = {
    "auth_users_exposed": _REVOKED,
    "dangerous_privilege": _on(f"revoke truncate, references, trigger on {{}} from {_API_ROLES};"),
    "definer_search_path": _on("alter function {} set search_path = '';"),
    "foreign_table_exposed": _REVOKED,
    "function_for_anon": _on(
        "revoke all on function {0} from public, anon;\ngrant execute on function {0} to authenticated;"
    ),
    "function_for_public": _on("revoke all on function {} from public;"),
    "grant_to_anon": _on("revoke all on {} from public, anon;"),
    "immutable_person": _on("alter function {} stable;"),
    "materialized_view_exposed": _REVOKED,
    "policy_column_unindexed": _column_index,
    "policy_without_rls": _policy("alter table {table} enable row level security;"),
    "policy_without_role": _policy('alter policy "{policy}" on {table} to authenticated;'),
    "rls_disabled": _on(
        "alter table {0} enable row level security;\nalter table {0} force row level security;"
    ),
    "rls_not_forced": _on("alter table {} force row level security;"),
    "search_path_mutable": _on("alter function {} set search_path = '';"),
    "view_without_invoker": _on("alter view {} set (security_invoker = true);"),
}


def fixable(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings for which SQL can be written."""
    return [one for one in findings if _sql(one)]


def fix_text(findings: Sequence[Finding]) -> str:
    """Return a migration that ends the findings; each statement once, below what it ends."""
    written: dict[str, list[Finding]] = {}
    for one in fixable(findings):
        written.setdefault(_sql(one), []).append(one)
    blocks = [
        "\n".join([*(f"-- {one.rule.what}: {one.object}" for one in ended), statement])
        for statement, ended in written.items()
    ]
    return "-- Written by the lint: read each statement before you apply it.\n\n" + "\n\n".join(blocks) + "\n"


def _sql(finding: Finding) -> str:
    writer = _WRITERS.get(finding.rule.id)
    return writer(finding.object) if writer else ""
