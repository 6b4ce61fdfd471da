"""The key life cycle page: keys by state, the next step, and what happens to tokens after each step."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any
from uuid import UUID

import httpx

from flask_signet.gatekeeper.current import current_gatekeeper
from flask_signet.gatekeeper.errors import GatekeeperError
from flask_signet.gatekeeper.identity import Identity
from flask_signet.gatekeeper.tokens import verify_access_token
from flask_signet.keys.management_api import KEYS_PATH, signing_keys_of
from flask_signet.keys.signing_keys import (
    MEANINGS,
    before_revocation,
    before_rotation,
    check_no_standby,
    check_revocable,
    check_revoked,
    find,
    find_rotation,
    revocable_from,
    since,
)
from signet_stack.api_clients import ManagementApi

ORDER = tuple(MEANINGS)
SECONDS = 5.0
MAX_TOKENS = 32


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One key as the table shows it; ``actions`` are (id, label) of what its state allows."""

    kid: str
    algorithm: str
    status: str
    since: datetime | None
    meaning: str
    actions: tuple[tuple[str, str], ...]
    safe_from: datetime | None

    @property
    def signs(self) -> bool:
        """Whether new tokens are signed with it."""
        return self.status == "in_use"

    @property
    def verifies(self) -> bool:
        """Whether tokens of it are accepted, and the key is published."""
        return self.status != "revoked"


@dataclass(frozen=True, slots=True)
class Probe:
    """What Auth, the data API and this app answer to one token."""

    label: str
    kid: str
    auth: str
    data_api: str
    app: str


class SeenTokens:
    """The newest own access token of each person and key, in memory, to show what becomes of it."""

    def __init__(self) -> None:
        self._tokens: dict[tuple[UUID, str], str] = {}
        self._lock = Lock()

    def note(self, person: UUID, kid: str, token: str) -> None:
        """Keep a token as the person's newest of its key."""
        with self._lock:
            self._tokens.pop((person, kid), None)
            self._tokens[person, kid] = token
            while len(self._tokens) > MAX_TOKENS:
                self._tokens.pop(next(iter(self._tokens)))

    def of(self, person: UUID) -> list[tuple[str, str]]:
        """Return (kid, token) of one person, the newest first."""
        with self._lock:
            return [(kid, token) for (owner, kid), token in reversed(self._tokens.items()) if owner == person]


def read_keys(project: ManagementApi) -> list[dict[str, Any]]:
    """Return the project's keys in the order of their lives."""
    return sorted(signing_keys_of(project), key=lambda key: ORDER.index(key["status"]))


def key_rows(keys: Sequence[Mapping[str, Any]], life: timedelta) -> list[KeyRow]:
    """Return the rows of the table."""
    return [
        KeyRow(
            kid=key["id"],
            algorithm=key["algorithm"],
            status=key["status"],
            since=since(key),
            meaning=MEANINGS[key["status"]],
            actions=_actions(key["status"]),
            safe_from=revocable_from(key, life),
        )
        for key in keys
    ]


def _actions(status: str) -> tuple[tuple[str, str], ...]:
    return {
        "standby": (("revoke", "Revoke"),),
        "previously_used": (("revoke", "Revoke"),),
        "revoked": (("restore", "Restore"), ("delete", "Delete")),
    }.get(status, ())


def primary_action(keys: Sequence[Mapping[str, Any]]) -> tuple[str, str, str]:
    """Return (id, label, command) of the step that the present state calls for."""
    if any(key["status"] == "standby" for key in keys):
        return "rotate", "Rotate: put the standby key in use", "flask keys rotate"
    return "create", "Create a standby key", "flask keys create"


def consequences(action: str, keys: Sequence[Mapping[str, Any]], kid: str, life: timedelta) -> list[str]:
    """Return what an action will do, as sentences to read before it is done. Raises SignetError."""
    now = datetime.now(UTC)
    if action == "create":
        check_no_standby(keys)
        return ["A new key is published, so that every verifier can learn it. It signs nothing yet."]
    if action == "rotate":
        return before_rotation(find_rotation(keys, is_local=True), life, now)
    key = find(keys, kid)
    if action == "revoke":
        check_revocable(key)
        return before_revocation(key, life, now, is_local=True)
    check_revoked(key, "restored" if action == "restore" else "deleted")
    if action == "restore":
        return [f"{key['id']} is published again, and its unexpired tokens are accepted again."]
    return [f"{key['id']} is removed for good. Its tokens are refused already."]


def missing_acknowledgement(action: str, kid: str, form: Mapping[str, str]) -> str:
    """Return what the form still lacks before an action that cannot be taken lightly; empty if nothing."""
    if action == "rotate" and not ("known" in form and "kept" in form):
        return "Tick both sentences before you rotate."
    if action == "revoke" and form.get("typed", "").strip() != kid[:8]:
        return f"Type {kid[:8]} to revoke this key."
    return ""


def perform(project: ManagementApi, action: str, kid: str) -> None:
    """Do one action; raise SignetError if the service refuses."""
    keys = read_keys(project)
    if action == "create":
        check_no_standby(keys)
        project.call("POST", KEYS_PATH, {"algorithm": "ES256", "status": "standby"})
    elif action == "rotate":
        project.call(
            "PATCH", f"{KEYS_PATH}/{find_rotation(keys, is_local=True).standby}", {"status": "in_use"}
        )
    elif action == "delete":
        project.call("DELETE", f"{KEYS_PATH}/{find(keys, kid)['id']}")
    else:
        status = {"revoke": "revoked", "restore": "previously_used"}[action]
        project.call("PATCH", f"{KEYS_PATH}/{find(keys, kid)['id']}", {"status": status})


def probes(seen: SeenTokens, identity: Identity) -> list[Probe]:
    """Try each remembered token of the signed-in person at Auth, at the data API and in this app."""
    settings = current_gatekeeper().settings
    found = []
    with httpx.Client(timeout=SECONDS, trust_env=False) as http:
        for kid, token in seen.of(identity.user_id):
            headers = {"apikey": settings.publishable_key, "Authorization": f"Bearer {token}"}
            found.append(
                Probe(
                    "your token" if token == identity.access_token else "an earlier token of yours",
                    kid,
                    _answer(http, f"{settings.supabase_url}/auth/v1/user", headers),
                    _answer(http, f"{settings.supabase_url}/rest/v1/", headers),
                    _verdict(token),
                )
            )
    return found


def _answer(http: httpx.Client, url: str, headers: Mapping[str, str]) -> str:
    try:
        response = http.get(url, headers=dict(headers))
    except httpx.HTTPError as error:
        return f"no answer ({type(error).__name__})"
    if response.is_success:
        return "accepted"
    content = response.json() if "json" in response.headers.get("Content-Type", "") else {}
    reason = content.get("msg") or content.get("message") or ""
    return f"refused: {response.status_code} {reason}".strip()


def _verdict(token: str) -> str:
    """Return what this app's own check says, with the key set that it holds at this moment."""
    verifier = current_gatekeeper().sessions.verifier
    try:
        verify_access_token(token, verifier.key_set().keys, verifier.expected, time.time())
    except GatekeeperError as error:
        return f"refused: {error.code}"
    return "accepted"
