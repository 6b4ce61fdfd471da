"""Waivers: ``-- signet: allow RULE on OBJECT: reason`` in a migration, best beside what makes the object.

A waiver covers one rule on one object. A waiver that matches no finding is reported as unused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from signet_db.errors import FileRefused, shown_path
from signet_db.files import Migration
from signet_db.lint.finding import Finding, Judgement, Waiver

_WAIVER = re.compile(r'(?P<rule>\w+) on (?P<object>(?:"[^"]*"|[^":]|::)+): *(?P<reason>\S.*)')


def waiver_line(finding: Finding) -> str:
    """Return the comment that would waive a finding."""
    return f"-- signet: allow {finding.rule.id} on {finding.object}: why"


def read_waivers(migrations: Iterable[Migration], known_rules: Iterable[str]) -> tuple[Waiver, ...]:
    """Return the waivers of the files; raises FileRefused for one without an object, a reason or a rule."""
    known = frozenset(known_rules)
    found = []
    for migration in migrations:
        for directive in migration.directives:
            if directive.name != "allow":
                continue
            match = _WAIVER.fullmatch(directive.argument)
            if match is None or match["rule"] not in known:
                raise FileRefused(
                    "A waiver names a rule, an object and a reason."
                    if match is None
                    else f"There is no rule “{match['rule']}”.",
                    hint="Write it as  -- signet: allow RULE on OBJECT: reason   See the rules with"
                    "  flask db lint --rules",
                    place=migration.place(directive.start),
                )
            found.append(Waiver(match["rule"], match["object"], match["reason"], migration.path.name))
    return tuple(found)


def apply_waivers(
    findings: Sequence[Finding], waivers: Sequence[Waiver]
) -> tuple[tuple[Finding, ...], tuple[Waiver, ...]]:
    """Return the findings with the reasons of their waivers, and the waivers that cover nothing."""
    reasons = {(waiver.rule, waiver.object): waiver.reason for waiver in waivers}
    judged = tuple(
        replace(finding, reason=reasons.get((finding.rule.id, finding.object))) for finding in findings
    )
    unused = tuple(waiver for waiver in waivers if not any(waiver.covers(finding) for finding in findings))
    return judged, unused


def restricted_to(judgement: Judgement, names: Collection[str]) -> Judgement:
    """Return what these files brought; waivers of other files are not reported as unused."""
    return Judgement(
        tuple(one for one in judgement.findings if one.file in names),
        tuple(waiver for waiver in judgement.unused if waiver.file in names),
    )


def baseline_text(judgement: Judgement) -> str:
    """Return the open findings as JSON, one a line, in an order that keeps differences small."""
    known = sorted({(one.rule.id, one.object) for one in judgement.findings if one.reason is None})
    lines = ",\n".join(f"  {json.dumps(list(one), ensure_ascii=False)}" for one in known)
    return f"[\n{lines}\n]\n" if known else "[]\n"


def without_baseline(judgement: Judgement, path: Path) -> Judgement:
    """Return the judgement without the findings in a baseline; raises FileRefused for another file."""
    try:
        known = {(str(rule), str(title)) for rule, title in json.loads(path.read_text(encoding="utf-8"))}
    except (ValueError, TypeError) as error:
        raise FileRefused(
            f"{shown_path(path)} is no baseline of the lint.",
            hint="Delete it: the next run with --baseline writes a new one.",
        ) from error
    found = tuple(one for one in judgement.findings if (one.rule.id, one.object) not in known)
    return replace(judgement, findings=found)
