"""The recipe "Add a table" of docs/rls.md, followed literally in a copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.database.paths import ROOT

TEXT = (ROOT / "docs" / "rls.md").read_text()
RECIPE = TEXT[TEXT.index("## Add a table") : TEXT.index("## Commands")]
FILES = re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", RECIPE, re.DOTALL)
CHANGES = re.findall(r"<!-- change: (\S+) -->\n```diff\n(.*?)```", RECIPE, re.DOTALL)
# The page that the recipe makes, as a signed-in visitor meets it; also after the session was ended elsewhere.
PAGE = """
from tests.support.people import Person

def test_a_note_is_added_and_an_ended_session_is_sent_to_the_login_page(person: Person, stack) -> None:
    import psycopg
    assert "You have no notes yet." in person.get("/notes").main
    assert person.press("Add", title="").status == 422
    assert "buy milk" in person.press("Add", title="buy milk").main
    with psycopg.connect(stack.database_url) as connection:
        ended = "delete from auth.sessions using auth.users where users.id = user_id and email = %s"
        connection.execute(ended, [person.email])
    assert person.get("/notes").path == "/login"
"""


@pytest.fixture
def project(fast_folder: Path) -> Iterator[Path]:
    """Return a copy of the project without what commands have left in it."""
    path = Path(tempfile.mkdtemp(dir=fast_folder)) / "project"
    left = shutil.ignore_patterns(".git", "instance", "__pycache__", ".*_cache", ".hypothesis", ".venv")
    shutil.copytree(ROOT, path, ignore=left)
    yield path
    shutil.rmtree(path)


def run(project: Path, *command: str) -> str:
    """Run a command of the recipe in the copy and return what it prints."""
    mine = ("PYTEST", "PYTHONPATH", "DATABASE_URL", "FLASK", "SUPABASE")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(mine)}
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=project,
        env=environ | {"FLASK_APP": "wsgi", "SUPABASE_LOCAL": "1", "FLASK_SKIP_DOTENV": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-20_000:]
    return done.stdout


def follow(project: Path) -> None:
    """Do what the recipe says, in its order."""
    commands = re.findall(r"^flask (db .*?) *(?:#.*)?$", RECIPE, re.MULTILINE)
    assert [command.split()[1] for command in commands] == ["new", "lint", "upgrade", "prove"]
    for command in commands:
        run(project, "flask", *command.split())
    assert len(FILES) == 4
    for name, content in FILES:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(content)
    for name, change in CHANGES:
        text = (project / name).read_text()
        for removed, added in re.findall(r"((?:^-.*\n)+)((?:^\+.*\n)+)", change, re.MULTILINE):
            old, new = (re.sub(r"^[-+]", "", lines, flags=re.MULTILINE) for lines in (removed, added))
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (project / name).write_text(text)


# The tests that count routes, migrations or tables, and those that the recipe adds.
CONCERNED = (
    "tests/app/test_docs.py",
    "tests/app/test_form_tokens.py",
    "tests/app/test_notes_page.py",
    "tests/app/test_page_markup.py",
    "tests/database/test_db_commands.py",
    "tests/database/test_grants.py",
    "tests/database/test_lint.py",
    "tests/database/test_notes.py",
    "tests/database/test_prove.py",
)


@pytest.mark.slow
@pytest.mark.parametrize(
    "tests",
    [
        pytest.param(CONCERNED, id="concerned"),
        pytest.param(("tests",), id="all", marks=pytest.mark.exhaustive),
    ],
)
def test_the_recipe_gives_a_page_and_keeps_the_suite_green(project: Path, tests: tuple[str, ...]) -> None:
    """Formatted and typed as the project is; the project's tests pass with the new table."""
    follow(project)
    (project / "tests" / "app" / "test_notes_page.py").write_text(PAGE)
    made = ["app", "tests/database/test_notes.py"]
    for check in (["ruff", "check"], ["ruff", "format", "--check"]):
        run(project, *check, *made)
    run(project, "mypy", "app")
    selection = "not slow and not browser and not interop and not exhaustive"
    run(project, "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "-m", selection, *tests)
