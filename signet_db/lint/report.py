"""A judgement as text lines and as JSON."""

from __future__ import annotations

from collections.abc import Iterable

from signet_db.lint.finding import Finding, Judgement, Level, Rule
from signet_db.lint.waivers import waiver_line

_NAMES = {
    Level.ERROR: ("error", "errors"),
    Level.WARNING: ("warning", "warnings"),
    Level.INFO: ("note", "notes"),
}
_MARKS = {Level.ERROR: "error:", Level.WARNING: "warning:", Level.INFO: "note:"}


def judgement_lines(judgement: Judgement) -> list[str]:
    """Return what is open, rule by rule, with reason and remedy, then the counts."""
    lines: list[str] = []
    for level in Level:
        found = judgement.open(level)
        for rule in dict.fromkeys(finding.rule for finding in found):
            lines += _rule_lines(rule, [finding for finding in found if finding.rule is rule])
    lines += [
        f"warning: {waiver.file} allows {waiver.rule} on {waiver.object}, but there is no such finding."
        for waiver in judgement.unused
    ]
    return [*lines, _counts(judgement)]


def _rule_lines(rule: Rule, found: list[Finding]) -> list[str]:
    lines = [f"{_MARKS[rule.level]} {rule.what}      [{_named(rule)}]"]
    lines += [f"  {one.object}: {one.detail}{_where(one)}" for one in found]
    return [*lines, f"  Why: {rule.why}", f"  Fix: {rule.fix}", ""]


def _where(finding: Finding) -> str:
    return f"   {finding.file}:{finding.line}" if finding.line else f"   {finding.file or ''}".rstrip()


def _named(rule: Rule) -> str:
    """Return the rule's id, with the number of Supabase's own lint."""
    return f"{rule.id}, Supabase {rule.supabase.split()[0]}" if rule.supabase else rule.id


def _counts(judgement: Judgement) -> str:
    found = {level: len(judgement.open(level)) for level in Level}
    counts = [f"{number} {_NAMES[level][number != 1]}" for level, number in found.items()]
    allowed = sum(finding.reason is not None for finding in judgement.findings)
    return ", ".join([*counts, f"{allowed} allowed"])


def next_step(judgement: Judgement) -> list[str]:
    """Return the line with the next step, where an error or a warning is open."""
    found = judgement.open(Level.ERROR) or judgement.open(Level.WARNING)
    if not found:
        return []
    return [f"Next: fix it in a migration, or waive the rule there:  {waiver_line(found[0])}"]


def judgement_json(judgement: Judgement) -> dict[str, object]:
    """Return a judgement as plain values; ``allowed`` is the reason of a waiver, or null."""
    return {
        "findings": [
            {
                **rule_json(finding.rule),
                "object": finding.object,
                "detail": finding.detail,
                "file": finding.file,
                "line": finding.line,
                "allowed": finding.reason,
            }
            for finding in judgement.findings
        ],
        "unused_waivers": [
            {"rule": waiver.rule, "object": waiver.object, "file": waiver.file} for waiver in judgement.unused
        ],
    }


def rule_json(rule: Rule) -> dict[str, object]:
    """Return a rule as plain values."""
    return {
        "rule": rule.id,
        "level": rule.level.value,
        "supabase": rule.supabase or None,
        "what": rule.what,
        "why": rule.why,
        "fix": rule.fix,
    }


def explained(rule: Rule) -> list[str]:
    """Return a rule with its reason, its remedy and the line that waives it."""
    return [
        f"{rule.level.value}: {rule.what}      [{_named(rule)}]",
        f"Why: {rule.why}",
        f"Fix: {rule.fix}",
        f"Waive: -- signet: allow {rule.id} on OBJECT: the reason why it is safe",
    ]


def rules_lines(rules: Iterable[Rule]) -> list[str]:
    """Return all rules, one in three lines."""
    lines = []
    for rule in rules:
        lines += [
            f"{rule.level.value:<8} {_named(rule)}",
            f"         {rule.what}",
            f"         Fix: {rule.fix}",
        ]
    return lines
