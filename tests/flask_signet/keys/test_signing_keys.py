"""What `flask keys` says about time: when a key is known everywhere, and when the former one can go."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flask_signet.gatekeeper.jwks import LIFE, STALE_LIMIT
from flask_signet.keys import signing_keys
from signet_db.errors import SignetError

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def key(status: str, age: timedelta = timedelta(0), kid: str = "") -> dict[str, Any]:
    """Return a key as the management API shows it, changed some time ago."""
    since = (NOW - age).isoformat()
    return {
        "id": kid or f"{status}-key",
        "algorithm": "ES256",
        "status": status,
        "created_at": since,
        "updated_at": since,
    }


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the machine's clock be UTC while a test runs."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("age", "is_local", "warns"),
    [
        (timedelta(minutes=19), False, True),
        (timedelta(minutes=20), False, False),
        (timedelta(minutes=1), True, False),
    ],
)
def test_a_rotation_before_every_cache_knows_the_key_is_warned_about(
    age: timedelta, is_local: bool, warns: bool
) -> None:
    rotation = signing_keys.find_rotation([key("in_use"), key("standby", age)], is_local=is_local)
    told = signing_keys.before_rotation(rotation, HOUR, NOW)
    assert any(line.startswith("warning:") for line in told) is warns
    assert told[0] == "standby-key will sign every new token."
    assert "Revoking in_use-key is safe from 13:15 UTC" in told[2]


@pytest.mark.parametrize(("is_local", "minutes"), [(True, 10), (False, 20)])
def test_a_revocation_says_how_long_apps_take(is_local: bool, minutes: int) -> None:
    told = signing_keys.before_revocation(key("standby"), HOUR, NOW, is_local=is_local)
    assert f"within {minutes} minutes" in told[0]
    assert not any(line.startswith("warning:") for line in told)


@pytest.mark.parametrize(
    ("minutes", "advice"), [(74, ", safe to revoke from 12:01 UTC"), (75, ", safe to revoke")]
)
def test_a_former_key_can_go_a_tokens_life_and_fifteen_minutes_later(minutes: int, advice: str) -> None:
    former = key("previously_used", timedelta(minutes=minutes))
    assert signing_keys.key_table([former], HOUR, NOW)[0].endswith(advice)
    told = signing_keys.before_revocation(former, HOUR, NOW, is_local=True)
    assert any(line.startswith("warning:") for line in told) is (minutes < 75)


@pytest.mark.parametrize("status", ["standby", "in_use", "revoked"])
def test_other_keys_wait_for_nothing(status: str) -> None:
    assert signing_keys.revocable_from(key(status), HOUR) is None


def test_times_that_cannot_be_read_say_nothing() -> None:
    odd = {**key("previously_used"), "updated_at": None}
    assert signing_keys.revocable_from(odd, HOUR) is None
    assert signing_keys.key_table([odd], HOUR, NOW)[0].endswith("since ?")


def test_another_day_is_named() -> None:
    former = key("previously_used", timedelta(hours=13))
    shown = signing_keys.key_table([former], timedelta(hours=24), NOW)[0]
    assert shown.endswith("since 2025-12-31 23:00 UTC, safe to revoke from 23:15 UTC")
    safe = NOW + timedelta(hours=12)
    words = "Revoking a is safe from 2026-01-02 00:00 UTC: its last token runs out 15 minutes before that."
    assert signing_keys.safe_line("a", safe, NOW) == words


def test_the_beginning_of_an_id_must_fit_one_key() -> None:
    keys = [key("in_use", kid="abc-1"), key("revoked", kid="abc-2"), key("standby", kid="abc-22")]
    assert signing_keys.find(keys, "abc-1")["id"] == "abc-1"
    assert signing_keys.find(keys, "abc-2")["id"] == "abc-2"  # the whole id goes before a beginning
    with pytest.raises(SignetError, match="3 keys begin with abc"):
        signing_keys.find(keys, "abc")


@pytest.mark.parametrize(
    ("status", "step"), [("in_use", "list"), ("standby", "revoke"), ("previously_used", "revoke")]
)
def test_what_must_be_revoked_first_names_the_step(status: str, step: str) -> None:
    with pytest.raises(SignetError) as caught:
        signing_keys.check_revoked(key(status), "deleted")
    assert caught.value.hint.startswith(f"flask keys {step}")


def test_the_bounds_in_the_documentation_are_the_apps() -> None:
    lines = (Path(__file__).parents[3] / "docs" / "keys.md").read_text().splitlines()
    row = next(line for line in lines if line.startswith("| pages of this app |"))
    minutes, hours = LIFE // 60, STALE_LIMIT // 3600
    bounds = [f"{minutes} minutes at most", f"{2 * minutes} minutes at most", f"{hours} hour at most"]
    assert [cell.strip() for cell in row.split("|")[2:5]] == bounds
    assert timedelta(seconds=LIFE) == signing_keys.CACHE
