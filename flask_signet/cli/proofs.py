"""`flask db lint` and `flask db verify`: judge what migrations make, and what has become of it."""

from __future__ import annotations

from pathlib import Path

import click

from flask_signet.cli.options import with_folder, with_target
from flask_signet.cli.progress import tell_waiting
from flask_signet.cli.target import Target, find_target
from signet_db.lint import RULES, Judgement, Level, lint_database, lint_files
from signet_db.lint.report import judgement_json, judgement_lines, next_step, rule_json, rules_lines
from signet_db.output import FAILED, fails_in_words, show_either, tell, with_json
from signet_db.verification import accept, verification_json, verification_lines, verify


@click.command()
@click.option("--database-url", metavar="URL", help="Judge this database as it is, instead of the files.")
@with_folder
@with_json
@click.option("--strict", is_flag=True, help="Fail for warnings too.")
@click.option("--rules", "only_rules", is_flag=True, help="Show what the lint looks for.")
@fails_in_words
def lint(database_url: str | None, folder: Path, as_json: bool, strict: bool, only_rules: bool) -> None:
    """Judge what the migrations make: policies, grants, functions, views, keys.

    They are applied in a scratch database of the local stack. A comment in a migration allows a finding:

      -- signet: allow RULE on OBJECT: the reason why it is safe
    """
    if only_rules:
        show_either(as_json, [rule_json(rule) for rule in RULES], rules_lines(RULES))
        return
    target = find_target(database_url)
    judgement = _judge(target, folder, is_live=database_url is not None)
    show_either(
        as_json,
        {"target": target.name, **judgement_json(judgement)},
        [*judgement_lines(judgement), *next_step(judgement)],
    )
    if judgement.open(Level.ERROR) or (strict and (judgement.open(Level.WARNING) or judgement.unused)):
        raise SystemExit(FAILED)


def _judge(target: Target, folder: Path, *, is_live: bool) -> Judgement:
    if is_live:
        tell(f"Judging {target} as it is")
        return lint_database(target.url, folder)
    tell(f"Judging the files of {folder.name}/ in a scratch database on {target}")
    return lint_files(target.url, folder)


@click.command(name="verify")
@with_target
@with_folder
@with_json
@click.option("--accept", "is_accepted", is_flag=True, help="Take the database for right as it is now.")
@fails_in_words
def verify_database(database_url: str | None, folder: Path, as_json: bool, is_accepted: bool) -> None:
    """Look whether the database still is what the migrations made: history, rules, changes by hand."""
    target = find_target(database_url)
    tell(f"Verifying {target}")
    if is_accepted:
        accept(target.url, tell_waiting)
    found = verify(target.url, folder)
    show_either(as_json, {"target": target.name, **verification_json(found)}, verification_lines(found))
    if not found.is_sound:
        raise SystemExit(FAILED)
