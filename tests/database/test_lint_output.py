"""The lint for other programs: SARIF, GitHub, JUnit, HTML; new files, a baseline, fixes, explanations."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from signet_db import policy_commands, runner
from signet_db.cli import db
from signet_db.lint import RULES, Judgement, Level, lint_files
from signet_db.lint.fixes import fixable

Write = Callable[[str, str], Path]
Lint = Callable[..., Result]

TEXT = """-- signet: allow sensitive_column on public.u.password: a <test>

create table public.t (id int primary key);
create table public.u (id int primary key, password text);
alter table public.u enable row level security;
create policy "a: b, c" on public.u for select using (true);
create view public.v as select id from public.u;
grant select on public.u, public.v to anon;
"""


@pytest.fixture(scope="module")
def judgement(_unchanging: str, tmp_path_factory: pytest.TempPathFactory) -> Judgement:
    folder = tmp_path_factory.mktemp("migrations")
    (folder / "1_make.sql").write_text(TEXT)
    return lint_files(_unchanging, folder)


@pytest.fixture
def lint(unchanging: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Lint:
    """Return a function that runs `flask db lint` on the folder."""
    monkeypatch.setenv("DATABASE_URL", unchanging)
    return lambda *arguments: CliRunner().invoke(db, ["lint", "--folder", str(folder), *arguments])


def shown(lint: Lint, judgement: Judgement, monkeypatch: pytest.MonkeyPatch, name: str) -> str:
    monkeypatch.setattr(policy_commands, "lint_files", lambda *_: judgement)
    return lint("--format", name).stdout


def test_sarif_has_rules_places_and_suppressions(
    lint: Lint, judgement: Judgement, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = json.loads(shown(lint, judgement, monkeypatch, "sarif"))
    (run,) = log["runs"]
    assert log["version"] == "2.1.0"
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == {rule.id for rule in RULES}
    results = {one["ruleId"]: one for one in run["results"]}
    place = results["policy_without_role"]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"].endswith("1_make.sql")
    assert place["region"]["startLine"] == 6
    assert results["rls_disabled"]["level"] == "error"
    assert results["sensitive_column"]["suppressions"][0]["justification"] == "a <test>"


def test_github_commands_mark_the_line_and_escape_their_separators(
    lint: Lint, judgement: Judgement, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = shown(lint, judgement, monkeypatch, "github").splitlines()
    (line,) = [line for line in lines if "policy_without_role" in line]
    assert re.match(
        r"::error file=[^,:]*1_make\.sql,line=6,title=[^,:]+::public\.u \"a: b, c\": applies", line
    )
    assert not any("sensitive_column" in line for line in lines)


def test_junit_fails_for_errors_and_warnings(
    lint: Lint, judgement: Judgement, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = ElementTree.fromstring(shown(lint, judgement, monkeypatch, "junit").encode())
    failed = {case.get("name") for case in suite if case.find("failure") is not None}
    assert int(suite.get("tests", 0)) == len(RULES)
    assert int(suite.get("failures", 0)) == len(failed)
    assert {"rls_disabled", "policy_without_role", "view_without_invoker"} <= failed
    assert "sensitive_column" not in failed


def test_html_escapes_what_it_shows(
    lint: Lint, judgement: Judgement, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = shown(lint, judgement, monkeypatch, "html")
    assert "public.u &quot;a: b, c&quot;: applies to PUBLIC" in page


def test_text_names_file_and_line(lint: Lint, judgement: Judgement, monkeypatch: pytest.MonkeyPatch) -> None:
    assert 'public.u "a: b, c": applies to PUBLIC   1_make.sql:6' in shown(
        lint, judgement, monkeypatch, "text"
    )


def test_new_judges_what_pending_files_bring(target: str, folder: Path, write: Write) -> None:
    write("1_old.sql", "create table public.old (id int primary key);")
    runner.upgrade(target, folder)
    write("2_new.sql", "create table public.new (id int primary key);")
    arguments = ["lint", "--folder", str(folder), "--json", "--new"]
    result = CliRunner().invoke(db, arguments, env={"DATABASE_URL": target})
    found = {one["object"] for one in json.loads(result.stdout)["findings"]}
    assert "public.new" in found
    assert "public.old" not in found


def test_a_baseline_is_written_once_and_then_left_out(lint: Lint, write: Write, tmp_path: Path) -> None:
    write("1_old.sql", "create table public.old (id int primary key);")
    baseline = tmp_path / "baseline.json"
    first = lint("--baseline", str(baseline))
    assert (first.exit_code, "Wrote " in first.stderr) == (0, True)
    write("2_new.sql", "create table public.new (id int primary key);")
    second = lint("--baseline", str(baseline), "--json")
    assert second.exit_code == 1
    objects = {one["object"] for one in json.loads(second.stdout)["findings"]}
    assert "public.new" in objects
    assert "public.old" not in objects
    baseline.write_text('{"not": "one"}')
    assert (lint("--baseline", str(baseline)).exit_code) == 2


def test_fixes_are_a_migration_that_runs_and_ends_what_it_names(
    unchanging: str, lint: Lint, folder: Path, write: Write
) -> None:
    write("1_make.sql", TEXT)
    result = lint("--fix", "close_the_doors")
    assert "Wrote" in result.stderr
    (fix,) = folder.glob("*_close_the_doors.sql")
    assert "alter table public.t enable row level security;" in fix.read_text()
    after = lint_files(unchanging, folder)
    left = [one for level in Level for one in after.open(level)]
    assert fixable(left) == []
    assert {"rls_disabled", "policy_without_role", "view_without_invoker", "grant_to_anon"}.isdisjoint(
        one.rule.id for one in left
    )


def test_explain_shows_a_rule_and_knows_what_was_meant() -> None:
    result = CliRunner().invoke(db, ["explain", "rls_disabled"])
    assert result.exit_code == 0
    assert "Fix: alter table … enable row level security;" in result.stdout
    assert "-- signet: allow rls_disabled on OBJECT" in result.stdout
    wrong = CliRunner().invoke(db, ["explain", "rls_disable"])
    assert wrong.exit_code == 1
    assert "Did you mean  flask db explain rls_disabled" in wrong.stderr


def test_what_could_not_run_exits_with_2(lint: Lint, write: Write) -> None:
    write("1_broken.sql", "selekt 1;")
    assert lint().exit_code == 2
