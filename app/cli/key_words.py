"""What the commands say about signing keys. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

MEANINGS: Mapping[str, str] = {
    "standby": "published; signs nothing yet",
    "in_use": "signs new tokens, and verifies",
    "previously_used": "verifies until its tokens have run out",
    "revoked": "refused and unpublished",
}
# Beyond the tokens' life: clocks differ, and requests are under way.
REVOKE_MARGIN = timedelta(minutes=15)
HOSTED_CACHES = timedelta(minutes=20)


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation will do."""

    standby: str
    in_use: str | None
    created_at: datetime | None  # of the standby key


def key_table(keys: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line for each key, and what the states mean."""
    width = max((len(state) for state in MEANINGS), default=0)
    mark = {"in_use": "✓", "standby": "•", "revoked": "!"}
    lines = [
        f"{mark.get(key['status'], ' ')} {key['id']}  {key['algorithm']:<5}  {key['status']:<{width}}"
        f"  since {str(key.get('updated_at') or '')[:16].replace('T', ' ')}"
        for key in keys
    ]
    return [*lines, "", *(f"  {state:<{width}}  {meaning}" for state, meaning in MEANINGS.items())]


def find_rotation(keys: Sequence[Mapping[str, Any]]) -> Rotation | None:
    """Return what a rotation would do; None without a standby key."""
    by_state = {key["status"]: key for key in keys}
    if (standby := by_state.get("standby")) is None:
        return None
    in_use = by_state.get("in_use")
    return Rotation(standby["id"], in_use["id"] if in_use else None, _moment(standby.get("created_at")))


def before_rotation(rotation: Rotation, now: datetime, *, is_local: bool) -> list[str]:
    """Return what a person should know before a rotation."""
    lines = [
        f"{rotation.standby} will sign every new token.",
        f"{rotation.in_use} will verify the tokens that it has signed, until you revoke it.",
        "Nobody has to sign in again.",
    ]
    if not is_local and rotation.created_at and now < rotation.created_at + HOSTED_CACHES:
        ready = rotation.created_at + HOSTED_CACHES
        lines.append(
            f"warning: caches may not know the standby key before {_clock(ready)}; until then, servers can"
            " refuse its tokens. Better wait."
        )
    return lines


def after_rotation(rotation: Rotation, token_life: int, now: datetime) -> list[str]:
    """Return when the former key may go; ``token_life`` in seconds."""
    safe = now + timedelta(seconds=token_life) + REVOKE_MARGIN
    return [
        f"{rotation.standby} is in use.",
        f"Revoking {rotation.in_use} is safe from {_clock(safe)}.",
        f"Next: flask keys revoke {rotation.in_use}",
    ]


def _clock(moment: datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M %Z")


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else None
