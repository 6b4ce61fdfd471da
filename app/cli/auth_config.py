"""`flask local config`: the Auth settings of the local stack, over its management API."""

from __future__ import annotations

import json
from typing import Any

import click

from app.cli.management_api import local_project
from app.cli.output import fails_in_words, show, show_json
from app.errors import NotFound

PATH = "/config/auth"


@click.command()
@click.argument("name", required=False)
@click.argument("value", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@fails_in_words
def config(name: str | None, value: str | None, as_json: bool) -> None:
    """Show the Auth settings, one of them, or change it at once.

    Example: flask local config sessions_timebox 24h
    """
    project = local_project()
    settings = project.call("GET", PATH)
    if name is not None and name not in settings:
        raise NotFound(f"There is no setting {name}.", hint="flask local config")
    if name is not None and value is not None:
        settings = project.call("PATCH", PATH, {name: read_value(value, settings[name])})
    chosen = settings if name is None else {name: settings[name]}
    if as_json:
        show_json(chosen)
    else:
        width = max(map(len, chosen))
        show(f"{key:<{width}}  {_shown(entry)}" for key, entry in chosen.items())


def read_value(text: str, present: Any) -> Any:
    """Return a value as the API takes it: JSON where it is any, except for a setting that is text."""
    if isinstance(present, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value or "(empty)"
    return json.dumps(int(value) if isinstance(value, float) and value.is_integer() else value)
