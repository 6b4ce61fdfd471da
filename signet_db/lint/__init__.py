"""Lint: check what migrations make (row-level security, policies, grants, functions, views, keys).

The rules read the catalogue of a database in which the migrations were applied. ``lint_files`` applies them
in a scratch database; ``lint_database`` reads an existing database.
"""

from __future__ import annotations

from signet_db.lint.finding import Finding, Judgement, Level, Rule
from signet_db.lint.judge import judge, lint_database, lint_files
from signet_db.lint.rules import RULES

__all__ = ["RULES", "Finding", "Judgement", "Level", "Rule", "judge", "lint_database", "lint_files"]
