"""Each rule finds its bad examples, at the object they name, and nothing in its good one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from signet_db.files import Migration
from signet_db.lint import RULES, Rule, destructive, judge
from signet_stack.postgres.cluster import SUPERUSER, Cluster

NEEDS_SUPERUSER = ("foreign_table_exposed",)
EXAMPLES = Path(__file__).with_name("lint_examples")
_SECTION = re.compile(r"^-- (?:bad: (?P<object>.+)|good)\n", re.MULTILINE)


def sections(rule: Rule) -> list[tuple[str | None, str]]:
    """Return the examples of a rule: the object that is bad, or None, and the SQL."""
    text = (EXAMPLES / f"{rule.id}.sql").read_text()
    starts = list(_SECTION.finditer(text))
    ends = [match.start() for match in starts[1:]] + [len(text)]
    return [(match["object"], text[match.end() : end]) for match, end in zip(starts, ends, strict=True)]


def examples(rule: Rule) -> list[Any]:
    """Return the examples of a rule as cases, each with a name of its own."""
    return [
        pytest.param(rule, bad, text, id=f"{rule.id}-{'good' if bad is None else 'bad'}-{number}")
        for number, (bad, text) in enumerate(sections(rule), 1)
    ]


def cases(*, need_superuser: bool) -> list[Any]:
    """Return the examples of the rules that read the catalogue."""
    rules = [rule for rule in RULES if rule is not destructive.RULE]
    return [
        case for rule in rules if (rule.id in NEEDS_SUPERUSER) is need_superuser for case in examples(rule)
    ]


@pytest.fixture(scope="session")
def found_before(cluster: Cluster, migrated_database: str) -> set[tuple[str, str]]:
    """Return what the rules find in our own migrations: rule and object."""
    with psycopg.connect(cluster.dsn("postgres", migrated_database)) as connection:
        return {(finding.rule.id, finding.object) for finding in judge(connection)}


def found_by(
    rule: Rule, text: str, connection: Connection[TupleRow], before: set[tuple[str, str]]
) -> list[str]:
    """Return the objects that the rule finds with this SQL and did not find before."""
    connection.execute(text.encode())
    found = [finding.object for finding in judge(connection, [rule])]
    return [title for title in found if (rule.id, title) not in before]


@pytest.mark.parametrize(("rule", "bad", "text"), cases(need_superuser=False))
def test_examples(
    migrated: Connection[TupleRow],
    found_before: set[tuple[str, str]],
    rule: Rule,
    bad: str | None,
    text: str,
) -> None:
    assert found_by(rule, text, migrated, found_before) == ([] if bad is None else [bad])


@pytest.mark.parametrize(("rule", "bad", "text"), cases(need_superuser=True))
def test_examples_that_need_a_superuser(
    cluster: Cluster,
    migrated_database: str,
    found_before: set[tuple[str, str]],
    rule: Rule,
    bad: str | None,
    text: str,
) -> None:
    """Only one makes the foreign data wrapper that they need."""
    with psycopg.connect(cluster.dsn(SUPERUSER, migrated_database)) as connection:
        assert found_by(rule, text, connection, found_before) == ([] if bad is None else [bad])
        connection.rollback()


@pytest.mark.parametrize(("rule", "bad", "text"), examples(destructive.RULE))
def test_destructive_statements(tmp_path: Path, rule: Rule, bad: str | None, text: str) -> None:
    """This rule reads files."""
    path = tmp_path / "1_example.sql"
    path.write_text(text)
    found = [(one.rule, one.object) for one in destructive.find_destructive(Migration.read(path))]
    assert found == ([] if bad is None else [(rule, bad)])


def test_every_rule_has_a_bad_and_a_good_example() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.sql")} == {rule.id for rule in RULES}
    for rule in RULES:
        kinds = {bad is None for bad, _ in sections(rule)}
        assert kinds == {True, False}, rule.id


def test_every_rule_says_what_why_and_how() -> None:
    for rule in RULES:
        assert all((rule.what, rule.why, rule.fix)), rule.id
        assert re.fullmatch(r"(\d{4} \w+)?", rule.supabase), rule.id
