"""The names of `from flask_signet import …`: complete, imported lazily, and the same for type checkers."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import flask_signet
from flask_signet import gatekeeper

SOURCE = Path(flask_signet.__file__)


def test_every_public_name_exists() -> None:
    for name in flask_signet.__all__:
        assert getattr(flask_signet, name) is not None


def test_every_name_of_the_gatekeeper_is_public() -> None:
    assert set(gatekeeper.__all__) <= set(flask_signet.__all__)


def test_type_checkers_see_the_same_names() -> None:
    imported = {
        alias.asname
        for node in ast.walk(ast.parse(SOURCE.read_text()))
        if isinstance(node, ast.ImportFrom) and node.level == 1
        for alias in node.names
    }
    assert imported == set(flask_signet.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="unknown_name"):
        _ = flask_signet.unknown_name


def test_the_package_itself_imports_no_cryptography() -> None:
    code = "import sys, flask_signet; raise SystemExit('cryptography' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=SOURCE.parents[1]).returncode == 0
