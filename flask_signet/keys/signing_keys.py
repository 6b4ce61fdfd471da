"""Rotation and revocation of signing keys: what is allowed, when it is safe, and the lines about it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from signet_db.errors import InputRejected, NotFound

Key = Mapping[str, Any]

MEANINGS: Mapping[str, str] = {
    "standby": "published, so that verifiers know it; signs nothing yet",
    "in_use": "signs new tokens, and verifies",
    "previously_used": "verifies until its tokens have run out",
    "revoked": "refused and unpublished",
}
# Beyond the tokens' life: clocks differ, and requests are under way.
REVOKE_MARGIN = timedelta(minutes=15)
CACHE = timedelta(minutes=10)  # an app keeps the key set as long; so does the edge of a hosted project
_MARKS = {"in_use": "✓", "standby": "•", "revoked": "!"}
_WIDTH = max(map(len, MEANINGS))


@dataclass(frozen=True, slots=True)
class Rotation:
    """A rotation: the standby key goes in use, the present one goes on verifying."""

    standby: str
    in_use: str
    is_known_from: datetime | None  # when every cache has the standby key; None if unknown


def key_table(keys: Sequence[Key], token_life: timedelta, now: datetime) -> list[str]:
    """Return a line for each key, and what the states mean."""
    lines = [
        f"{_MARKS.get(key['status'], ' ')} {key['id']}  {key['algorithm']:<5}  {key['status']:<{_WIDTH}}"
        f"  since {_clock(_moment(key.get('updated_at')), now)}{_advice(key, token_life, now)}"
        for key in keys
    ]
    return [*lines, "", *(f"  {state:<{_WIDTH}}  {meaning}" for state, meaning in MEANINGS.items())]


def find(keys: Sequence[Key], wanted: str) -> Key:
    """Return the key of an id, or of its beginning where only one key begins so; raise SignetError."""
    found = [key for key in keys if key["id"] == wanted] or [
        key for key in keys if wanted and key["id"].startswith(wanted)
    ]
    if len(found) > 1:
        raise InputRejected(f"{len(found)} keys begin with {wanted}.", hint="Write more of the id.")
    if not found:
        raise NotFound(f"There is no signing key {wanted}.", hint="flask keys list")
    return found[0]


def check_no_standby(keys: Sequence[Key]) -> None:
    """Raise InputRejected when a key is on standby already: there is one at most."""
    for key in keys:
        if key["status"] == "standby":
            raise InputRejected(f"{key['id']} is on standby already.", hint="flask keys rotate")


def check_revocable(key: Key) -> None:
    """Raise InputRejected for a key that cannot be revoked."""
    if key["status"] == "in_use":
        raise InputRejected(
            f"{key['id']} is in use; another key must take its place first.", hint="flask keys create"
        )
    if key["status"] == "revoked":
        raise InputRejected(f"{key['id']} is revoked already.", hint="flask keys list")


def check_revoked(key: Key, verb: str) -> None:
    """Raise InputRejected unless a key is revoked; ``verb`` is what needs that."""
    if key["status"] != "revoked":
        hint = "flask keys list" if key["status"] == "in_use" else f"flask keys revoke {key['id']}"
        raise InputRejected(f"Only a revoked key can be {verb}; {key['id']} is {key['status']}.", hint=hint)


def find_rotation(keys: Sequence[Key], *, is_local: bool) -> Rotation:
    """Return what a rotation would do; raise NotFound without a standby key."""
    by_state = {key["status"]: key for key in keys}
    if (standby := by_state.get("standby")) is None:
        raise NotFound("There is no standby key.", hint="flask keys create")
    created = None if is_local else _moment(standby.get("created_at"))
    known = created + 2 * CACHE if created else None
    return Rotation(standby["id"], str(by_state.get("in_use", {}).get("id") or "The key in use"), known)


def before_rotation(rotation: Rotation, token_life: timedelta, now: datetime) -> list[str]:
    """Return the consequences of a rotation, as lines."""
    lines = [
        f"{rotation.standby} will sign every new token.",
        f"{rotation.in_use} will go on verifying the tokens that it has signed, until you revoke it.",
        safe_line(rotation.in_use, now + token_life + REVOKE_MARGIN, now),
        "Nobody has to sign in again.",
    ]
    if rotation.is_known_from is not None and now < rotation.is_known_from:
        lines.append(
            f"warning: caches may not know the new key before {_clock(rotation.is_known_from, now)};"
            " until then, servers can refuse its tokens. Better wait."
        )
    return lines


def before_revocation(key: Key, token_life: timedelta, now: datetime, *, is_local: bool) -> list[str]:
    """Return the consequences of a revocation, as lines."""
    minutes = (CACHE if is_local else 2 * CACHE) // timedelta(minutes=1)
    lines = [
        f"Tokens of {key['id']} will be refused: by Auth and the data API at once, by apps within {minutes}"
        " minutes.",
        "Nobody has to sign in again: a session whose token is refused gets a new one.",
    ]
    safe = revocable_from(key, token_life)
    if safe is not None and now < safe:
        lines.append(f"warning: tokens of this key may be in use until {_clock(safe, now)}. Better wait.")
    return lines


def since(key: Key) -> datetime | None:
    """Return since when a key has its present state; None if unknown."""
    return _moment(key.get("updated_at"))


def revocable_from(key: Key, token_life: timedelta) -> datetime | None:
    """Return when the last token of a former key has run out; None for other keys."""
    retired = since(key) if key["status"] == "previously_used" else None
    return retired + token_life + REVOKE_MARGIN if retired else None


def safe_line(kid: str, safe: datetime, now: datetime) -> str:
    """Return the line with the time from which a key can be revoked."""
    return f"Revoking {kid} is safe from {_clock(safe, now)}: its last token runs out 15 minutes before that."


def _advice(key: Key, token_life: timedelta, now: datetime) -> str:
    safe = revocable_from(key, token_life)
    if safe is None:
        return ""
    return ", safe to revoke" if safe <= now else f", safe to revoke from {_clock(safe, now)}"


def _clock(moment: datetime | None, now: datetime) -> str:
    """Return a time of this machine's clock, with its day when that is not today."""
    if moment is None:
        return "?"
    here = moment.astimezone()
    day = "" if here.date() == now.astimezone().date() else "%Y-%m-%d "
    return here.strftime(f"{day}%H:%M %Z")


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else None
