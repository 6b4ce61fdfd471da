"""A judgement for other programs: SARIF, GitHub's workflow commands, JUnit, and a page of HTML.

SARIF is OASIS's Static Analysis Results Interchange Format 2.1.0; GitHub's commands are those of
docs.github.com/actions (``::error file=…,line=…::message``), which mark lines of a pull request.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from html import escape

from signet_db.errors import shown_path
from signet_db.lint.finding import Finding, Judgement, Level, Rule

_SARIF_LEVELS = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "note"}
_GITHUB_LEVELS = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "notice"}
_STYLE = "body{font:16px/1.5 sans-serif;margin:2em auto;max-width:60em}td,th{text-align:left;padding:.2em}"


def sarif(judgement: Judgement, rules: Sequence[Rule]) -> str:
    """Return a SARIF log; waived findings are results with a suppression."""
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {"name": "signet_db lint", "rules": [_sarif_rule(rule) for rule in rules]}
                },
                "results": [_sarif_result(one) for one in judgement.findings],
            }
        ],
    }
    return json.dumps(log, indent=2, ensure_ascii=False)


def _sarif_rule(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.what},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.fix},
        "defaultConfiguration": {"level": _SARIF_LEVELS[rule.level]},
    }


def _sarif_result(finding: Finding) -> dict[str, object]:
    result: dict[str, object] = {
        "ruleId": finding.rule.id,
        "level": _SARIF_LEVELS[finding.rule.level],
        "message": {"text": _message(finding)},
    }
    if finding.place is not None:
        location = {
            "artifactLocation": {"uri": shown_path(finding.place.path)},
            "region": {"startLine": finding.place.line},
        }
        result["locations"] = [{"physicalLocation": location}]
    if finding.reason is not None:
        result["suppressions"] = [{"kind": "inSource", "justification": finding.reason}]
    return result


def github(judgement: Judgement, rules: Sequence[Rule]) -> str:
    """Return a workflow command for each open finding."""
    return "\n".join(_github_command(one) for one in _open(judgement))


def _github_command(finding: Finding) -> str:
    properties = {"title": f"{finding.rule.what} [{finding.rule.id}]"}
    if finding.place is not None:
        properties = {"file": shown_path(finding.place.path), "line": str(finding.place.line), **properties}
    written = ",".join(f"{name}={_github_escaped(value, ':,')}" for name, value in properties.items())
    message = _github_escaped(f"{_message(finding)}. Fix: {finding.rule.fix}")
    return f"::{_GITHUB_LEVELS[finding.rule.level]} {written}::{message}"


def _github_escaped(text: str, more: str = "") -> str:
    for character in f"%\r\n{more}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def junit(judgement: Judgement, rules: Sequence[Rule]) -> str:
    """Return a test suite with a case for each rule; it fails where an error or a warning is open."""
    found = [one for one in _open(judgement) if one.rule.level is not Level.INFO]
    cases = []
    for rule in rules:
        mine = [one for one in found if one.rule.id == rule.id]
        texts = "\n".join(f"{_message(one)}{_where(one)}" for one in mine)
        failure = f'<failure message="{escape(rule.what)}">{escape(texts)}</failure>' if mine else ""
        cases.append(f'  <testcase classname="signet_db.lint" name="{escape(rule.id)}">{failure}</testcase>')
    failed = len({one.rule.id for one in found})
    head = f'<testsuite name="signet_db lint" tests="{len(rules)}" failures="{failed}" errors="0">'
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *cases, "</testsuite>"])


def html(judgement: Judgement, rules: Sequence[Rule]) -> str:
    """Return a page with every open finding."""
    rows = [
        f"<tr><td>{one.rule.level.value}</td><td>{escape(one.rule.id)}</td><td>{escape(_message(one))}</td>"
        f"<td>{escape(_where(one).strip())}</td><td>{escape(one.rule.fix)}</td></tr>"
        for one in _open(judgement)
    ]
    head = "<tr><th>Level</th><th>Rule</th><th>Finding</th><th>Place</th><th>Fix</th></tr>"
    table = f"<table>{head}{''.join(rows)}</table>" if rows else "<p>Nothing is open.</p>"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Lint</title><style>{_STYLE}</style>'
        f"<h1>Lint: {len(rows)} open</h1>{table}</html>"
    )


def _open(judgement: Judgement) -> list[Finding]:
    return [one for level in Level for one in judgement.open(level)]


def _message(finding: Finding) -> str:
    return f"{finding.object}: {finding.detail}"


def _where(finding: Finding) -> str:
    return f"   {shown_path(finding.place.path)}:{finding.place.line}" if finding.place else ""


FORMATS: dict[str, Callable[[Judgement, Sequence[Rule]], str]] = {
    "sarif": sarif,
    "github": github,
    "junit": junit,
    "html": html,
}
