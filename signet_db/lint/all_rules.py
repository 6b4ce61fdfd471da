"""All rules, by level and name."""

from __future__ import annotations

from signet_db.lint import calls_per_row, destructive
from signet_db.lint.catalogue_rules import load_rules
from signet_db.lint.rule import Level, Rule

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (*load_rules(), calls_per_row.RULE, destructive.RULE),
        key=lambda rule: (list(Level).index(rule.level), rule.id),
    )
)
