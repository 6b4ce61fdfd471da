"""docs/rls.md keeps its word: its test runs as written, and its list of rules is the list of rules."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from signet_db import runner
from signet_db.files import table_text
from signet_db.lint import RULES
from tests.database.paths import MIGRATIONS, ROOT

pytest_plugins = ["pytester"]
TEXT = (ROOT / "docs" / "rls.md").read_text()


def test_the_policy_test_of_the_recipe_runs_as_written(
    target: str, folder: Path, pytester: pytest.Pytester
) -> None:
    """The table of `flask db new --table notes` passes it; test_recipe.py follows the whole recipe."""
    for path in MIGRATIONS.glob("*.sql"):
        (folder / path.name).write_text(path.read_text())
    if not list(folder.glob("*_add_notes.sql")):  # as a reader of the recipe has made it
        (folder / "29990101000000_add_notes.sql").write_text(table_text("notes"))
    runner.upgrade(target, folder)
    code = re.search(r"<!-- file: tests/database/test_notes.py -->\n```python\n(.*?)```", TEXT, re.DOTALL)
    assert code is not None
    pytester.makeconftest(f"import pytest\n@pytest.fixture\ndef supabase_database(): return {target!r}")
    pytester.makepyfile(code[1])
    pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist").assert_outcomes(passed=1)


def test_every_rule_is_listed() -> None:
    listed = re.findall(r"^\| `(\w+)` \| (\w+) \| (\d{4})? ?\| (.+) \|$", TEXT, re.MULTILINE)
    assert listed == [
        (rule.id, rule.level.value, rule.supabase.partition(" ")[0], rule.what) for rule in RULES
    ]


def test_every_command_is_listed() -> None:
    from signet_db.cli import db

    listed = re.findall(r"^\| `flask db (\w+)", TEXT, re.MULTILINE)
    assert sorted(listed) == sorted(db.commands)
