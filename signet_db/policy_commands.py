"""The commands about policies: ``lint``, ``explain`` and ``prove``."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

import click
from click.core import ParameterSource

from signet_db import files, runner
from signet_db.errors import InputRejected, SignetError, shown_path
from signet_db.lint import RULES, Judgement, Level, lint_database, lint_files
from signet_db.lint.fixes import fix_text, fixable
from signet_db.lint.formats import FORMATS
from signet_db.lint.report import (
    explained,
    judgement_json,
    judgement_lines,
    next_step,
    rule_json,
    rules_lines,
)
from signet_db.lint.waivers import baseline_text, restricted_to, without_baseline
from signet_db.options import (
    Target,
    defaults,
    find_scratch_server,
    find_target,
    remember,
    with_folder,
    with_target,
)
from signet_db.output import FAILED, fails_in_words, show_either, tell, with_json
from signet_db.prove import Proof, prove_copy, prove_files
from signet_db.prove import report as proofs

COULD_NOT_RUN = 2
P = ParamSpec("P")
R = TypeVar("R")


def says_if_it_could_not_run(command: Callable[P, R]) -> Callable[P, R]:
    """Let errors end the command with 2: a finding and a check that did not run are different things."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except SignetError as error:
            error.exit_code = COULD_NOT_RUN
            raise

    return wrapped


@click.command()
@click.option(
    "--database-url", metavar="URL", callback=remember, help="Judge this database as it is, not the files."
)
@with_folder
@with_json
@click.option("--strict", is_flag=True, help="Fail for warnings too.")
@click.option("--rules", "only_rules", is_flag=True, help="Show the rules.")
@click.option("--format", "format_name", type=click.Choice(["text", "json", *FORMATS]), default="text")
@click.option("--new", "only_new", is_flag=True, help="Judge only what pending files bring.")
@click.option(
    "--baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Leave out the findings in this file; written, with what is found now, where there is none.",
)
@click.option("--fix", "fix_name", metavar="NAME", help="Write a migration with the mechanical fixes.")
@fails_in_words
@says_if_it_could_not_run
def lint(
    database_url: str | None,
    folder: Path,
    as_json: bool,
    strict: bool,
    only_rules: bool,
    format_name: str,
    only_new: bool,
    baseline: Path | None,
    fix_name: str | None,
) -> None:
    """Judge what the migrations make: policies, grants, functions, views, keys.

    They are applied in one transaction of a scratch database, which is rolled back. A comment in a migration
    waives a finding:

      -- signet: allow RULE on OBJECT: the reason why it is safe

    Exit codes: 0 nothing open, 1 findings, 2 it could not run.
    """
    if only_rules:
        show_either(as_json, [rule_json(rule) for rule in RULES], rules_lines(RULES))
        return
    target = find_scratch_server(database_url, is_local=False)
    judgement = _judge(target, folder, is_live=database_url is not None)
    if only_new:
        judgement = restricted_to(judgement, _pending_files(target, folder))
    if baseline is not None:
        judgement = _without_known(judgement, baseline)
    _show_judgement(judgement, target, "json" if as_json else format_name)
    if fix_name is not None:
        _write_fixes(judgement, folder, fix_name)
    if judgement.open(Level.ERROR) or (strict and (judgement.open(Level.WARNING) or judgement.unused)):
        raise SystemExit(FAILED)


def _show_judgement(judgement: Judgement, target: Target, format_name: str) -> None:
    if format_name in FORMATS:
        click.echo(FORMATS[format_name](judgement, RULES))
        return
    show_either(
        format_name == "json",
        {"target": target.name, **judgement_json(judgement)},
        [*judgement_lines(judgement), *next_step(judgement)],
    )


def _judge(target: Target, folder: Path, *, is_live: bool) -> Judgement:
    if is_live:
        tell(f"Judging {target} as it is")
        return lint_database(target.url, folder)
    tell(f"Judging the files of {folder.name}/ in a scratch database on {target}")
    return lint_files(target.url, folder)


def _pending_files(target: Target, folder: Path) -> set[str]:
    entries = runner.status(target.url, folder)
    return {entry.migration.path.name for entry in entries if entry.migration and entry.record is None}


def _without_known(judgement: Judgement, path: Path) -> Judgement:
    """Leave out what the baseline holds; write it where there is none."""
    if not path.exists():
        path.write_text(baseline_text(judgement), encoding="utf-8")
        tell(f"Wrote {shown_path(path)}")
    return without_baseline(judgement, path)


def _write_fixes(judgement: Judgement, folder: Path, name: str) -> None:
    open_ones = [one for level in Level for one in judgement.open(level)]
    done = fixable(open_ones)
    if not done:
        tell("No open finding has a mechanical fix.")
        return
    path = files.create(folder, name, datetime.now(UTC), fix_text(open_ones))
    tell(f"Wrote {shown_path(path)}: fixes {len(done)} of {len(open_ones)} findings")
    tell("Next: read it, then run  flask db lint")


@click.command()
@click.argument("rule")
@with_json
@fails_in_words
def explain(rule: str, as_json: bool) -> None:
    """Show what a rule of the lint looks for, why, how to fix it and how to waive it."""
    found = next((one for one in RULES if one.id == rule), None)
    if found is None:
        names = difflib.get_close_matches(rule, [one.id for one in RULES])
        nearest = (
            f"Did you mean  flask db explain {names[0]}" if names else "See the rules:  flask db lint --rules"
        )
        raise InputRejected(f"There is no rule “{rule}”.", hint=nearest)
    show_either(as_json, rule_json(found), explained(found))


@click.command()
@with_target
@with_folder
@with_json
@click.option("--strict", is_flag=True, help="Fail also for what could not be tried.")
@fails_in_words
@says_if_it_could_not_run
def prove(database_url: str | None, is_local: bool, folder: Path, as_json: bool, strict: bool) -> None:
    """Prove the policies by trying them, as people with sessions, in a scratch database.

    Every table, view and function of the data API is tried with marked rows: read, insert, update, delete,
    upsert, truncate, take over, give away, raise oneself. Whose rows are whose is inferred from keys and
    policies, or written in a migration:

      -- signet: rows of public.notes belong to user_id

      -- signet: everybody signed in reads public.profiles where is_public

      -- signet: members of public.orgs by org_id

    With --database-url alone, a copy of that database's schema is proved instead of the files; with --folder
    too, it names the server for the scratch database.

    Exit codes: 0 proved, 1 leaks, 2 it could not prove.
    """
    server, proof = _prove(database_url, is_local, folder)
    show_either(
        as_json,
        {"target": server.name, **proofs.proof_json(proof)},
        [*proofs.proof_lines(proof), *proofs.next_step(proof)],
    )
    if proof.control:
        raise SystemExit(COULD_NOT_RUN)
    if not proof.is_proved or (strict and proof.not_tried):
        raise SystemExit(FAILED)


def _prove(database_url: str | None, is_local: bool, folder: Path) -> tuple[Target, Proof]:
    given = click.get_current_context().get_parameter_source("folder") is ParameterSource.COMMANDLINE
    if database_url is None or given:
        server = find_scratch_server(database_url, is_local)
        tell(f"Proving the files of {folder.name}/ in a scratch database on {server}")
        return server, prove_files(server.url, folder)
    source = find_target(database_url, is_local)
    local = defaults().local_database() or defaults().scratch_server()
    server = Target(local, is_local_stack=True) if local else source
    tell(f"Proving a copy of the schema of {source} in a scratch database on {server}")
    return server, prove_copy(server.url, source.url, files.find(folder) if folder.is_dir() else ())
