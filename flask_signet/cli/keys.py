"""`flask keys`: the signing keys of a project, over the management API.

The project is the one of SUPABASE_PROJECT_REF and SUPABASE_ACCESS_TOKEN, else the local stack; every command
names it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click

from flask_signet.keys import signing_keys
from flask_signet.keys.management_api import KEYS_PATH, find_project, signing_keys_of, token_life_of
from signet_db.output import confirm, fails_in_words, show, show_json, tell, with_json, with_yes
from signet_stack.api_clients import ManagementApi

ALGORITHMS = ("ES256", "RS256", "EdDSA")

Command = Callable[..., Any]


def _with_kid(command: Command) -> Command:
    return click.argument("kid")(command)


@click.group()
def keys() -> None:
    """Signing keys: list, create, rotate, revoke."""


@keys.command("list")
@with_json
@fails_in_words
def list_keys(as_json: bool) -> None:
    """Show the keys and what their states mean."""
    project = find_project()
    if as_json:
        show_json({"project": project.project, "keys": signing_keys_of(project)})
    else:
        show(_table(project))


@keys.command(short_help="Make a standby key.")
@with_json
@click.option("--algorithm", type=click.Choice(ALGORITHMS), default="ES256", show_default=True)
@fails_in_words
def create(as_json: bool, algorithm: str) -> None:
    """Make a standby key: published at once, it signs after `flask keys rotate`."""
    project = find_project()
    signing_keys.check_no_standby(signing_keys_of(project))
    key = project.call("POST", KEYS_PATH, {"algorithm": algorithm, "status": "standby"})
    wait = "" if project.is_local else " in 20 minutes, when every cache knows it"
    _report(project, key, as_json, f"{key['id']} is on standby.", [f"Next: flask keys rotate{wait}"])


@keys.command(short_help="Put the standby key in use.")
@with_json
@with_yes
@fails_in_words
def rotate(as_json: bool, yes: bool) -> None:
    """Put the standby key in use; the present one goes on verifying."""
    project = find_project()
    rotation = signing_keys.find_rotation(signing_keys_of(project), is_local=project.is_local)
    life = token_life_of(project)
    for line in signing_keys.before_rotation(rotation, life, datetime.now(UTC)):
        tell(line)
    confirm(f"This rotates the keys of the {project.name}.", yes)
    key = project.call("PATCH", f"{KEYS_PATH}/{rotation.standby}", {"status": "in_use"})
    safe = datetime.now(UTC).replace(microsecond=0) + life + signing_keys.REVOKE_MARGIN
    content = {**key, "previous_key": rotation.in_use, "previous_key_revocable_from": safe.isoformat()}
    after = [
        signing_keys.safe_line(rotation.in_use, safe, datetime.now(UTC)),
        f"Next: flask keys revoke {rotation.in_use}",
    ]
    _report(project, content, as_json, f"{rotation.standby} is in use.", after)


@keys.command(short_help="Refuse every token of a key.")
@_with_kid
@with_json
@with_yes
@fails_in_words
def revoke(kid: str, as_json: bool, yes: bool) -> None:
    """Refuse every token of a key from now on, and publish the key no more.

    KID is its id, or as much of the beginning as fits no other key.
    """
    project = find_project()
    key = signing_keys.find(signing_keys_of(project), kid)
    signing_keys.check_revocable(key)
    consequences = signing_keys.before_revocation(
        key, token_life_of(project), datetime.now(UTC), is_local=project.is_local
    )
    for line in consequences:
        tell(line)
    confirm(f"This revokes {key['id']}.", yes)
    changed = project.call("PATCH", f"{KEYS_PATH}/{key['id']}", {"status": "revoked"})
    undo = [f"Undo: flask keys restore {key['id']}"]
    _report(project, changed, as_json, f"{key['id']} is revoked.", undo)


@keys.command(short_help="Take a revocation back.")
@_with_kid
@with_json
@fails_in_words
def restore(kid: str, as_json: bool) -> None:
    """Take a revocation back: the key verifies again.

    KID is its id, or as much of the beginning as fits no other key.
    """
    project = find_project()
    key = signing_keys.find(signing_keys_of(project), kid)
    signing_keys.check_revoked(key, "restored")
    changed = project.call("PATCH", f"{KEYS_PATH}/{key['id']}", {"status": "previously_used"})
    _report(project, changed, as_json, f"{key['id']} verifies again.")


@keys.command(short_help="Delete a revoked key for good.")
@_with_kid
@with_json
@with_yes
@fails_in_words
def delete(kid: str, as_json: bool, yes: bool) -> None:
    """Delete a revoked key for good.

    KID is its id, or as much of the beginning as fits no other key.
    """
    project = find_project()
    key = signing_keys.find(signing_keys_of(project), kid)
    signing_keys.check_revoked(key, "deleted")
    confirm(f"This deletes {key['id']} for good.", yes)
    deleted = project.call("DELETE", f"{KEYS_PATH}/{key['id']}")
    _report(project, deleted, as_json, f"{key['id']} is deleted.")


@keys.command(short_help="Print the published key set.")
@with_json
@fails_in_words
def jwks(as_json: bool) -> None:
    """Print the key set that verifiers fetch; JSON with and without --json."""
    published = [key["public_jwk"] for key in signing_keys_of(find_project()) if key["status"] != "revoked"]
    show_json({"keys": [key for key in published if key]})


def _table(project: ManagementApi) -> list[str]:
    table = signing_keys.key_table(signing_keys_of(project), token_life_of(project), datetime.now(UTC))
    return [f"Signing keys of the {project.name}", *table]


def _report(
    project: ManagementApi, content: dict[str, Any], as_json: bool, done: str, after: list[str] | None = None
) -> None:
    """Print what was done: all keys with their states as text, the changed one as JSON."""
    if as_json:
        show_json(content)
    else:
        show([done, ""])  # at once: what comes next asks the project again, and can fail
        show([*_table(project), *(["", *after] if after else [])])
