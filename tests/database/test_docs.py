"""docs/rls.md keeps its word: its test runs as written, and its list of rules is the list of rules."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from app.migrate import runner
from app.migrate.lint import RULES
from app.migrate.new_table import table_text
from tests.database.paths import MIGRATIONS, ROOT

TEXT = (ROOT / "docs" / "rls.md").read_text()


def test_the_recipe_for_a_table_runs_as_written(target: str, folder: Path, tmp_path: Path) -> None:
    """The table that `flask db new --table notes` writes passes the test that the document shows."""
    for path in MIGRATIONS.glob("*.sql"):
        (folder / path.name).write_text(path.read_text())
    (folder / "20990101000000_add_notes.sql").write_text(table_text("notes"))
    runner.upgrade(target, folder)
    code = re.search(r"<!-- this test is run.*?-->\n```python\n(.*?)```", TEXT, re.DOTALL)
    assert code is not None
    (tmp_path / "test_notes.py").write_text(code[1])
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path / "test_notes.py")],
        cwd=tmp_path,
        env={**os.environ, "DATABASE_URL": target, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "1 passed" in result.stdout, result.stdout + result.stderr


def test_every_rule_is_listed() -> None:
    listed = re.findall(r"^\| `(\w+)` \| (\w+) \| (\d{4})? ?\| (.+) \|$", TEXT, re.MULTILINE)
    assert listed == [
        (rule.id, rule.level.value, rule.supabase.partition(" ")[0], rule.what) for rule in RULES
    ]


def test_every_command_is_listed() -> None:
    from app.cli.db import db

    listed = re.findall(r"^\| `flask db (\w+)", TEXT, re.MULTILINE)
    assert sorted(listed) == sorted(db.commands)
