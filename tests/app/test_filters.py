"""Times and names in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from app.web.filters import ago_words, at_most_words, duration_words, initials, utc_words, wait_words

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3, "0 seconds"),
        (0, "0 seconds"),
        (1, "1 second"),
        (59.9, "59 seconds"),
        (60, "1 minute"),
        (3599, "59 minutes"),
        (3600, "1 hour"),
        (7200, "2 hours"),
        (86400, "1 day"),
        (3 * 86400 + 5, "3 days"),
    ],
)
def test_a_span_is_named_by_its_largest_unit(seconds: float, words: str) -> None:
    assert duration_words(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "1 second"),
        (0.5, "1 second"),
        (1.5, "2 seconds"),
        (60, "60 seconds"),
        (119, "119 seconds"),
        (120, "2 minutes"),
        (121, "3 minutes"),
        (3600, "60 minutes"),
        (5400, "90 minutes"),
        (7200, "2 hours"),
        (7201, "3 hours"),
        (604_800, "7 days"),
    ],
)
def test_a_bound_is_never_rounded_down(seconds: float, words: str) -> None:
    assert at_most_words(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(40, "40 seconds"), (59, "59 seconds"), (60, "1 minute"), (61, "2 minutes")]
)
def test_a_wait_is_never_rounded_down(seconds: int, words: str) -> None:
    assert wait_words(seconds) == f"Try again in {words}."


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "just now"), (0, "just now"), (9, "just now"), (10, "10 seconds ago"), (180, "3 minutes ago")],
)
def test_the_past_in_words(seconds: int, words: str) -> None:
    assert ago_words(NOON - timedelta(seconds=seconds), NOON) == words


def test_a_moment_is_shown_in_utc() -> None:
    assert utc_words(NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))) == "5 January 2026, 12:00 UTC"


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Ada Lovelace", "AL"),
        ("ada", "A"),
        ("Ada King of Lovelace", "AL"),
        ("", "-"),
        ("  ", "-"),
        ("ß", "SS"),
    ],
)
def test_initials_stand_in_for_a_picture(name: str, letters: str) -> None:
    assert initials(name) == letters
