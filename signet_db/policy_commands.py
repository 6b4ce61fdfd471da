"""The commands about policies: ``lint``, ``explain`` and ``prove``."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

import click
from click.core import ParameterSource

from signet_db import files
from signet_db.errors import SignetError
from signet_db.lint import RULES, Judgement, Level, lint_database, lint_files
from signet_db.lint.report import judgement_json, judgement_lines, next_step, rule_json, rules_lines
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
@fails_in_words
@says_if_it_could_not_run
def lint(database_url: str | None, folder: Path, as_json: bool, strict: bool, only_rules: bool) -> None:
    """Judge what the migrations make: policies, grants, functions, views, keys.

    They are applied in a scratch database of the local stack. A comment in a migration waives a finding:

      -- signet: allow RULE on OBJECT: the reason why it is safe

    Exit codes: 0 nothing open, 1 findings, 2 it could not run.
    """
    if only_rules:
        show_either(as_json, [rule_json(rule) for rule in RULES], rules_lines(RULES))
        return
    target = find_scratch_server(database_url, is_local=False)
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
