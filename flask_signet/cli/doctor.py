"""`flask doctor`: check settings, project, keys, mails, limits, cookies, proxies and database."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from flask import Flask, Response, current_app, request
from flask.cli import with_appcontext
from itsdangerous import BadData, TimestampSigner

from signet_db.output import fails_in_words, show, show_json, with_json

if TYPE_CHECKING:
    from flask_signet.cli.project_checks import Finding, Site
    from signet_stack.project import Project

PROBLEMS = "signet_problems"  # app.extensions: the settings that are missing or wrong, as lines
MARKS = {"ok": "✓", "warning": "!", "failure": "✗", "skipped": "·"}
WIDTH = 14
PROBE_SECONDS = 60
SALT = "signet doctor"


@click.command()
@click.option("--as", "email", metavar="EMAIL", help="Explain what this user may do with --table.")
@click.option("--table", metavar="TABLE", help="The table to explain.")
@with_json
@fails_in_words
@with_appcontext
@click.pass_context
def doctor(context: click.Context, email: str | None, table: str | None, as_json: bool) -> None:
    """Check the settings, the project, the database and this site.

    One line each: ✓ fine, ! worth doing, ✗ does not work, · not checked. Exits with 0, 1 for warnings, 2 for
    failures. Nothing is changed, and no secret is shown.

    Example: flask doctor --as alice@example.com --table notes
    """
    from flask_signet.cli.project_checks import worst

    if (email is None) is not (table is None):
        raise click.UsageError("--as EMAIL and --table TABLE belong together.")
    findings: list[Finding] = []
    for finding in _explained(email, table) if email and table else _checked():
        findings.append(finding)
        if not as_json:
            show(_lines(finding))
    if as_json:
        show_json({"checks": [asdict(finding) for finding in findings]})
    context.exit(worst(findings))


def _lines(finding: Finding) -> list[str]:
    lines = [f"{MARKS[finding.level]} {finding.name:<{WIDTH}} {finding.message}"]
    return [*lines, f"  {'':<{WIDTH}} → {finding.hint}"] if finding.hint else lines


def _checked() -> Iterator[Finding]:
    from flask_signet.cli import project_checks as checks

    site = _site()
    if isinstance(site, list):
        yield from site
        return
    shown = "the local stack" if site.is_local else "complete"
    yield checks.Finding("ok", "settings", shown)
    yield from checks.check_project(site, checks.utc_now())
    yield from checks.check_keys(site, checks.utc_now())
    yield from checks.check_auth_settings(site)
    yield from checks.check_cookies(site)
    yield from checks.check_proxies(site, _signer(current_app).sign(SALT).decode())
    yield from checks.check_database(site)


def _explained(email: str, table: str) -> Iterator[Finding]:
    from flask_signet.cli.project_checks import Finding
    from signet_db.access import explain_access

    site = _site()
    if isinstance(site, list):
        yield from site
    elif site.database_url is None:
        yield Finding("failure", "database", "is not named", "set DATABASE_URL")
    else:
        for access in explain_access(site.database_url, email, table):
            yield Finding(access.level, access.operation, access.message, access.hint)


def _site() -> Site | list[Finding]:
    """Return the settings to check, or the findings about settings that are incomplete."""
    from flask_signet.cli.local import start_or_join, wants_local_stack
    from flask_signet.cli.project_checks import Site
    from flask_signet.gatekeeper.current import current_gatekeeper
    from flask_signet.keys.management_api import find_project, names_project
    from signet_stack.api_clients import LOCAL_PROJECT, ManagementApi

    project = _project()
    if wants_local_stack():
        stack = start_or_join(project)
        return Site(
            stack.api_url,
            stack.publishable_key,
            os.environ.get("SITE_URL") or stack.site_url,
            True,
            ManagementApi(stack.api_url, LOCAL_PROJECT, stack.management_token),
            stack.database_url,
            project.migrations,
        )
    if problems := _problems(current_app):
        return [_about_setting(problem) for problem in problems]
    settings = current_gatekeeper().settings
    return Site(
        settings.supabase_url,
        settings.publishable_key,
        settings.site_url,
        False,
        find_project() if names_project() else None,
        _database_url(),
        project.migrations,
    )


def _about_setting(problem: str) -> Finding:
    from flask_signet.cli.project_checks import Finding

    first, *rest = (line.strip() for line in problem.splitlines())
    step = next((line.removeprefix("next: ") for line in rest if line.startswith("next: ")), "")
    return Finding("failure", "settings", first, step or "; ".join(rest))


def _problems(app: Flask) -> Sequence[str]:
    found = app.extensions.get(PROBLEMS)
    return found if isinstance(found, list | tuple) else ()


def _database_url() -> str | None:
    try:
        from signet_db.options import database_from_environment
    except ImportError:  # without psycopg; the check of the database says so
        return os.environ.get("DATABASE_URL") or None
    return database_from_environment() or None


def _project() -> Project:
    from flask_signet.cli import project_of

    return project_of(current_app._get_current_object())  # type: ignore[attr-defined]


def answer_probes(app: Flask) -> None:
    """Answer a signed probe of `flask doctor` with the address, scheme and host of the request."""

    @app.after_request
    def add_what_was_seen(response: Response) -> Response:
        if probe := request.headers.get("X-Signet-Doctor"):
            try:
                _signer(app).unsign(probe, max_age=PROBE_SECONDS)
            except BadData:
                return response
            response.headers["X-Signet-Seen"] = f"{request.remote_addr} {request.scheme}://{request.host}"
        return response


def _signer(app: Flask) -> TimestampSigner:
    return TimestampSigner(app.secret_key or "", salt=SALT)
