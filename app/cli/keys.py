"""`flask keys`: the signing keys of a project, over the management API.

The project is the one of SUPABASE_PROJECT_REF and SUPABASE_ACCESS_TOKEN, else the local stack; every command
names it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click

from app.cli import key_words
from app.cli.management_api import ManagementApi, find_project
from app.cli.output import fails_in_words, show, show_json, tell
from app.errors import InputRejected, NotFound

PATH = "/config/auth/signing-keys"
ALGORITHMS = ("ES256", "RS256", "EdDSA")
DEFAULT_TOKEN_LIFE = 3600  # seconds

Command = Callable[..., Any]


def _with_json(command: Command) -> Command:
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(command)


def _with_yes(command: Command) -> Command:
    return click.option("--yes", is_flag=True, help="Do not ask.")(command)


@click.group()
def keys() -> None:
    """Signing keys: list, create, rotate, revoke."""


@keys.command("list")
@_with_json
@fails_in_words
def list_keys(as_json: bool) -> None:
    """Show the keys and what their states mean."""
    project = find_project()
    found = _keys(project)
    if as_json:
        show_json({"project": project.project, "keys": found})
    else:
        show([f"Signing keys of the {project.name}", *key_words.key_table(found)])


@keys.command()
@_with_json
@click.option("--algorithm", type=click.Choice(ALGORITHMS), default="ES256", show_default=True)
@fails_in_words
def create(as_json: bool, algorithm: str) -> None:
    """Make a standby key: published at once, it signs after `flask keys rotate`."""
    project = find_project()
    key = project.call("POST", PATH, {"algorithm": algorithm, "status": "standby"})
    wait = "" if project.is_local else " in 20 minutes, when every cache knows it"
    _report(key, as_json, [f"{key['id']} stands by.", f"Next: flask keys rotate{wait}"])


@keys.command()
@_with_json
@_with_yes
@fails_in_words
def rotate(as_json: bool, yes: bool) -> None:
    """Put the standby key in use; the present one goes on verifying."""
    project = find_project()
    rotation = key_words.find_rotation(_keys(project))
    if rotation is None:
        raise NotFound("There is no standby key.", hint="flask keys create")
    for line in key_words.before_rotation(rotation, datetime.now(UTC), is_local=project.is_local):
        tell(line)
    _confirm(f"Rotate the keys of the {project.name}?", yes)
    key = project.call("PATCH", f"{PATH}/{rotation.standby}", {"status": "in_use"})
    life = project.call("GET", "/config/auth").get("jwt_exp")
    token_life = life if isinstance(life, int) else DEFAULT_TOKEN_LIFE
    _report(key, as_json, key_words.after_rotation(rotation, token_life, datetime.now(UTC)))


@keys.command()
@click.argument("kid")
@_with_json
@_with_yes
@fails_in_words
def revoke(kid: str, as_json: bool, yes: bool) -> None:
    """Refuse every token of a key from now on."""
    project = find_project()
    _find(project, kid)
    tell("Tokens of this key are refused from now on; sessions renew theirs by themselves.")
    _confirm(f"Revoke {kid}?", yes)
    key = project.call("PATCH", f"{PATH}/{kid}", {"status": "revoked"})
    _report(key, as_json, [f"{kid} is revoked.", f"Undo: flask keys restore {kid}"])


@keys.command()
@click.argument("kid")
@_with_json
@fails_in_words
def restore(kid: str, as_json: bool) -> None:
    """Take a revocation back: the key verifies again."""
    project = find_project()
    if _find(project, kid)["status"] != "revoked":
        raise InputRejected(f"{kid} is not revoked.", hint="flask keys list")
    key = project.call("PATCH", f"{PATH}/{kid}", {"status": "previously_used"})
    _report(key, as_json, [f"{kid} verifies again."])


@keys.command()
@click.argument("kid")
@_with_json
@_with_yes
@fails_in_words
def delete(kid: str, as_json: bool, yes: bool) -> None:
    """Delete a revoked key for good."""
    project = find_project()
    _find(project, kid)
    _confirm(f"Delete {kid}? This cannot be undone.", yes)
    key = project.call("DELETE", f"{PATH}/{kid}")
    _report(key, as_json, [f"{kid} is deleted."])


@keys.command()
@_with_json
@fails_in_words
def jwks(as_json: bool) -> None:
    """Print the key set that verifiers fetch; JSON with and without --json."""
    published = [key["public_jwk"] for key in _keys(find_project()) if key["status"] != "revoked"]
    show_json({"keys": [key for key in published if key]})


def _keys(project: ManagementApi) -> list[dict[str, Any]]:
    return list(project.call("GET", PATH).get("keys", []))


def _find(project: ManagementApi, kid: str) -> dict[str, Any]:
    for key in _keys(project):
        if key["id"] == kid:
            return key
    raise NotFound(f"There is no signing key {kid}.", hint="flask keys list")


def _report(key: dict[str, Any], as_json: bool, lines: list[str]) -> None:
    if as_json:
        show_json(key)
    else:
        show(lines)


def _confirm(question: str, yes: bool) -> None:
    """Ask where somebody can answer; elsewhere demand --yes."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise InputRejected("This asks first, and nobody is there to answer.", hint="Add --yes")
    if not click.confirm(question, err=True):
        raise InputRejected("Nothing was changed.", hint="")
