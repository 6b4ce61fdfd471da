"""The command `config`: the Auth settings of the local stack, over its management API."""

from __future__ import annotations

import json
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from signet_db.errors import InputRejected, NotFound
from signet_db.output import fails_in_words, show, show_json, tell, with_json
from signet_stack.api_clients import AUTH_SETTINGS, LOCAL_PROJECT, ManagementApi
from signet_stack.handle import hold
from signet_stack.project import command_name, current_project, group_name


# -1 is a value here, to be refused in words, and not an option.
@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("name", required=False)
@click.argument("value", required=False)
@click.option("--folder", type=click.Path(path_type=Path), metavar="DIR", help="Data folder of the stack.")
@click.option("--hosted-like", is_flag=True, help="Set what a new hosted project has, its mails included.")
@with_json
@fails_in_words
def config(
    name: str | None, value: str | None, folder: Path | None, hosted_like: bool, as_json: bool
) -> None:
    """Show the Auth settings, one of them, or change it at once.

    Example: config sessions_timebox 24h
    """
    if hosted_like and name is not None:
        message = "--hosted-like changes settings of its own, and takes no name."
        raise InputRejected(message, hint=f"{group_name()} config --hosted-like")
    project = local_project(folder)
    if hosted_like:
        from signet_stack.auth_settings import HOSTED_LIKE

        project.call("PATCH", AUTH_SETTINGS, dict(HOSTED_LIKE))
    settings = project.call("GET", AUTH_SETTINGS)
    if name is not None and name not in settings:
        close = " ".join(get_close_matches(name, settings, 1))
        raise NotFound(f"There is no setting {name}.", hint=f"{group_name()} config {close}".rstrip())
    if name is not None and value is not None:
        settings = _change(project, name, read_value(value, settings[name]))
    chosen = settings if name is None else {name: settings[name]}
    if hosted_like:
        chosen = {changed: settings[changed] for changed in HOSTED_LIKE}
    if as_json:
        show_json(chosen)
    else:
        width = max(map(len, chosen))
        show(f"{key:<{width}}  {_shown(entry)}" for key, entry in chosen.items())


def local_project(folder: Path | None = None) -> ManagementApi:
    """Return the management API of the local stack, started or joined for the life of this process."""
    project = current_project(folder)
    lease = hold(project.folder, project.site_url, name=command_name(), report=tell, command=group_name())
    return ManagementApi(lease.stack.api_url, LOCAL_PROJECT, lease.stack.management_token)


def read_value(text: str, present: Any) -> Any:
    """Return a value as the API takes it: JSON where it parses, except for a setting that is text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputRejected("The value is not UTF-8.", hint="Type it again.") from None
    if isinstance(present, str):
        return text
    try:
        value = json.loads(text)
        json.dumps(value, allow_nan=False)  # Python reads NaN and 1e999, which are no JSON
    except (ValueError, RecursionError):
        return text
    return value


def _change(project: ManagementApi, name: str, value: Any) -> dict[str, Any]:
    """Change a setting and return all of them; raise SignetError."""
    try:
        return project.call("PATCH", AUTH_SETTINGS, {name: value})
    except InputRejected as error:
        raise InputRejected(f"{error.message}.", hint=f"{group_name()} config {name}") from error


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value or "(empty)"
    return json.dumps(int(value) if isinstance(value, float) and value.is_integer() else value)
