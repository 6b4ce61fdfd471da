"""Waivers: ``-- signet: allow RULE on OBJECT: reason`` in a migration, best beside what makes the object.

A waiver covers one rule on one object. A waiver that matches no finding is reported as unused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from signet_db.errors import FileRefused
from signet_db.files import Migration
from signet_db.lint.finding import Finding, Waiver

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
