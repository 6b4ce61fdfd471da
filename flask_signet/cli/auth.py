"""`flask auth`: Auth's rate limits of a project, over the management API.

The project is the one of SUPABASE_PROJECT_REF and SUPABASE_ACCESS_TOKEN, else the local stack.
"""

from __future__ import annotations

import click

from flask_signet.cli.project_checks import LIMITS, low_limits
from flask_signet.keys.management_api import find_project
from signet_db.output import confirm, fails_in_words, show, show_either, tell, with_json, with_yes
from signet_stack.api_clients import AUTH_SETTINGS


@click.group()
def auth() -> None:
    """Auth's settings of the project."""


@auth.command()
@click.option("--raise", "is_raised", is_flag=True, help="Raise those that are too low for a whole site.")
@with_json
@with_yes
@fails_in_words
def limits(is_raised: bool, as_json: bool, yes: bool) -> None:
    """Show Auth's rate limits, or raise them.

    Auth counts by address, and sees that of this app for all users: the limits have to fit all together.
    The app itself limits each address and each account.
    """
    project = find_project()
    settings = project.call("GET", AUTH_SETTINGS)
    if is_raised and (low := low_limits(settings)):
        for name, wanted in low.items():
            tell(f"{name}: {settings[name]} → {wanted}")
        confirm(f"This changes the limits of the {project.name}.", yes)
        settings = project.call("PATCH", AUTH_SETTINGS, low)
    present = {name: settings.get(name) for name in LIMITS}
    width = max(map(len, LIMITS))
    lines = [
        f"{name:<{width}}  {present[name]}  {what} in 5 minutes, all people together"
        for name, (_, what) in LIMITS.items()
    ]
    show_either(as_json, {"project": project.project, "limits": present}, lines)
    if low := low_limits(settings):
        step = [f"Next: flask auth limits --raise      ({', '.join(low)})"]
        if not as_json:
            show(step)
