"""`flask lab matrix`: text, JSON, a page and a report for CI."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import psycopg
import pytest
from click.testing import CliRunner, Result

from flask_signet.cli.lab import lab
from signet_db.testing import new_user
from signet_stack.postgres.cluster import Cluster

TABLE = """
    create table public.lab_memos (id int primary key, user_id uuid default auth.uid(), body text);
    alter table public.lab_memos enable row level security;
    grant select on public.lab_memos to authenticated;
    create policy "own" on public.lab_memos to authenticated using ((select auth.uid()) = user_id);
"""


@pytest.fixture
def dsn(cluster: Cluster, fresh_database: str) -> str:
    dsn = cluster.dsn("postgres", fresh_database)
    with psycopg.connect(dsn) as connection:
        connection.execute(TABLE)
        for number, email in enumerate(("alice@example.com", "bob@example.com")):
            person = new_user(connection, email)
            connection.execute("insert into public.lab_memos values (%s, %s)", (number, person))
    return dsn


def run(*arguments: str) -> Result:
    return CliRunner().invoke(lab, ["matrix", *arguments])


def test_the_matrix_is_a_table(dsn: str) -> None:
    result = run("--database-url", dsn)
    assert result.exit_code == 0, result.output
    line = next(one for one in result.output.splitlines() if "bob@example.com  another's row" in one)
    assert line.split()[3:] == ["-", "42501", "42501", "42501", "42501"]


def test_the_matrix_as_json(dsn: str) -> None:
    result = run("--database-url", dsn, "--json", "--table", "lab_memos")
    cells = json.loads(result.stdout)["tables"]["public.lab_memos"]
    own = next(
        c for c in cells if (c["operation"], c["whose"], c["who"]) == ("select", "own row", "bob@example.com")
    )
    assert own == {**own, "rows": 1, "sqlstate": "", "reached": True}


def test_the_matrix_as_a_page_and_as_a_report(dsn: str, tmp_path: Path) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("alter table public.lab_memos disable row level security")
        connection.execute("grant select on public.lab_memos to anon")
    page, report = tmp_path / "matrix.html", tmp_path / "matrix.xml"
    result = run("--database-url", dsn, "--html", str(page), "--junit", str(report))
    assert result.exit_code == 0, result.output
    assert "<caption>public.lab_memos" in page.read_text()
    suite = ElementTree.fromstring(report.read_text())
    failures = [case.get("name") for case in suite if case.find("failure") is not None]
    assert failures == ["signed out select another's row", "signed out select every row"]


def test_an_unknown_table_is_refused(dsn: str) -> None:
    result = run("--database-url", dsn, "--table", "nothing")
    assert result.exit_code == 1
    assert "No table or view nothing is exposed." in result.output


def test_a_database_of_another_machine_is_refused() -> None:
    result = run("--database-url", "postgresql://postgres@db.example.com/postgres")
    assert result.exit_code == 1
    assert "this machine only" in result.output
