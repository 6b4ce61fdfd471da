"""Judge what migrations make: row-level security, policies, grants, functions, views, keys.

The rules read the catalogue of a database in which the migrations were applied, so they judge what is, not
what is written. ``lint_files`` makes a scratch database for it; ``lint_database`` looks at one as it stands.
"""

from __future__ import annotations

from signet_db.lint.all_rules import RULES
from signet_db.lint.judging import Judgement, judge, lint_database, lint_files
from signet_db.lint.rule import Finding, Level, Rule

__all__ = ["RULES", "Finding", "Judgement", "Level", "Rule", "judge", "lint_database", "lint_files"]
