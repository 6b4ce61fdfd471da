"""What the documents say is so: links lead somewhere, commands and settings exist, tables match the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from app.settings import VARIABLES
from flask_signet.gatekeeper.auth_http import DEAD_CODES
from flask_signet.gatekeeper.settings import GatekeeperSettings
from tests.support.commands import command_tree

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
IDS = [str(path.relative_to(ROOT)) for path in DOCUMENTS]
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")


@pytest.mark.parametrize("path", DOCUMENTS, ids=IDS)
def test_every_link_leads_somewhere(path: Path) -> None:
    missing = [link for link in LINK.findall(path.read_text()) if not (path.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=IDS)
def test_every_command_exists(path: Path) -> None:
    root = command_tree()
    for words in commands_in(path.read_text()):
        found: click.Command | None = root
        for word in words:
            if not isinstance(found, click.Group):
                break  # what follows is an argument
            found = found.get_command(click.Context(found), word)
            assert found is not None, f"flask {' '.join(words)}"


def commands_in(text: str) -> Iterator[list[str]]:
    """Yield the words of each `flask …` that stands in backquotes or at the start of a shell line."""
    for quoted in re.findall(r"`flask ([a-z][^`\n]*)`", text):
        yield re.findall(r"^[a-z-]+(?: [a-z-]+)*", quoted)[0].split()
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        for words in re.findall(r"(?:^|/)flask ([a-z-]+(?: [a-z-]+)*)", block, re.MULTILINE):
            yield words.split()


@pytest.mark.parametrize("path", DOCUMENTS, ids=IDS)
def test_every_exported_setting_exists(path: Path) -> None:
    exported = set(re.findall(r"^export ([A-Z_]+)=", path.read_text(), re.MULTILINE))
    assert exported <= VARIABLES


def test_the_readme_says_the_two_commands_as_they_are_tested() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    install = "python3 -m venv .venv && .venv/bin/pip install -r"
    assert f"{install} requirements.txt && .venv/bin/flask run" in lines
    assert f"{install} requirements-dev.txt && .venv/bin/pytest" in lines


def test_the_gatekeeper_reads_the_settings_that_its_page_lists() -> None:
    text = (ROOT / "docs" / "gatekeeper.md").read_text()
    section = text[text.index("## Settings") : text.index("## What it decides")]
    listed = set(re.findall(r"`([A-Z_]{5,})`", section))
    source = Path(GatekeeperSettings.from_config.__func__.__code__.co_filename).read_text()  # type: ignore[attr-defined]
    assert listed == set(re.findall(r'"([A-Z_]{5,})"', source))


def test_the_page_about_sessions_lists_every_answer_that_ends_one() -> None:
    text = (ROOT / "docs" / "sessions.md").read_text()
    section = text[text.index("## The words") :][3:].partition("\n## ")[0]
    listed = set(re.findall(r"`([a-z_]+)`", section))
    assert listed == set(DEAD_CODES)


def test_the_page_about_testing_shows_the_test_that_the_wheel_is_tried_with() -> None:
    shown = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "testing.md").read_text(), re.DOTALL)
    assert (ROOT / "examples" / "notes" / "test_notes.py").read_text() in shown
