"""All rules, by level and name."""

from __future__ import annotations

from app.migrate.lint import calls_per_row, destructive
from app.migrate.lint.catalogue_rules import load_rules
from app.migrate.lint.rule import Level, Rule

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (*load_rules(), calls_per_row.RULE, destructive.RULE),
        key=lambda rule: (list(Level).index(rule.level), rule.id),
    )
)
