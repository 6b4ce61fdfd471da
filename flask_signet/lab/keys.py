"""The key life cycle page: keys by state, the next step, and what happens to tokens after each step."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

import httpx

from flask_signet.gatekeeper.current import current_gatekeeper
from flask_signet.gatekeeper.errors import GatekeeperError
from flask_signet.gatekeeper.identity import Identity
from flask_signet.gatekeeper.tokens import verify_access_token
from flask_signet.keys.signing_keys import (
    MEANINGS,
    check_no_standby,
    check_revocable,
    check_revoked,
    find,
    find_rotation,
    revocable_from,
)
from signet_stack.api_clients import ManagementApi

PATH = "/config/auth/signing-keys"
ORDER = tuple(MEANINGS)
SECONDS = 5.0
MAX_TOKENS = 8
DEFAULT_TOKEN_LIFE = 3600  # seconds


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
    """The newest own access token of each key, in memory of this process, to show what becomes of it."""

    def __init__(self) -> None:
        self._tokens: dict[str, str] = {}
        self._lock = Lock()

    def note(self, kid: str, token: str) -> None:
        """Keep a token as the newest of its key."""
        with self._lock:
            self._tokens.pop(kid, None)
            self._tokens[kid] = token
            while len(self._tokens) > MAX_TOKENS:
                self._tokens.pop(next(iter(self._tokens)))

    def items(self) -> list[tuple[str, str]]:
        """Return (kid, token), the newest first."""
        with self._lock:
            return list(reversed(self._tokens.items()))


def read_keys(project: ManagementApi) -> list[dict[str, Any]]:
    """Return the project's keys in the order of their lives."""
    keys = project.call("GET", PATH)["keys"]
    return sorted(keys, key=lambda key: ORDER.index(key["status"]))


def token_life(project: ManagementApi) -> timedelta:
    """Return how long an access token is valid."""
    return timedelta(seconds=int(project.call("GET", "/config/auth").get("jwt_exp") or DEFAULT_TOKEN_LIFE))


def key_rows(keys: Sequence[Mapping[str, Any]], life: timedelta) -> list[KeyRow]:
    """Return the rows of the table."""
    return [
        KeyRow(
            kid=key["id"],
            algorithm=key["algorithm"],
            status=key["status"],
            since=_moment(key.get("updated_at")),
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
    if action == "create":
        check_no_standby(keys)
        return ["A new key is published, so that every verifier can learn it. It signs nothing yet."]
    if action == "rotate":
        rotation = find_rotation(keys, is_local=True)
        safe = datetime.now(UTC) + life + timedelta(minutes=15)
        return [
            f"{rotation.standby} signs every new token.",
            f"{rotation.in_use} verifies the tokens that it has signed until it is revoked.",
            "Nobody is signed out.",
            f"Revoking it is safe from {safe.astimezone():%H:%M:%S %Z}: by then its last token has expired.",
        ]
    key = find(keys, kid)
    if action == "revoke":
        check_revocable(key)
        return [
            f"Tokens of {key['id']} are refused by Auth and the data API at once, by this app in 10 minutes.",
            "Nobody is signed out: a session whose token is refused exchanges its refresh token.",
        ]
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
        project.call("POST", PATH, {"algorithm": "ES256", "status": "standby"})
    elif action == "rotate":
        project.call("PATCH", f"{PATH}/{find_rotation(keys, is_local=True).standby}", {"status": "in_use"})
    elif action == "delete":
        project.call("DELETE", f"{PATH}/{find(keys, kid)['id']}")
    else:
        status = {"revoke": "revoked", "restore": "previously_used"}[action]
        project.call("PATCH", f"{PATH}/{find(keys, kid)['id']}", {"status": status})


def probes(seen: SeenTokens, identity: Identity | None, own_kid: str) -> list[Probe]:
    """Try each remembered token at Auth, at the data API and in this app."""
    own = identity.access_token if identity else None
    settings = current_gatekeeper().settings
    found = []
    with httpx.Client(timeout=SECONDS, trust_env=False) as http:
        for kid, token in seen.items():
            label = "your token" if token == own and kid == own_kid else "an earlier token of yours"
            headers = {"apikey": settings.publishable_key, "Authorization": f"Bearer {token}"}
            found.append(
                Probe(
                    label,
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


def _moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None
