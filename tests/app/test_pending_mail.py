"""The permission to set a new password without the old one."""

from __future__ import annotations

from uuid import UUID

import pytest

from app.auth.pending import NEW_PASSWORD_SECONDS, is_fresh_mark

SESSION = UUID("0e9f3f62-6a34-4a0b-9d54-0e6a53a4c6c1")
MADE = 1_700_000_000


@pytest.mark.parametrize(
    ("mark", "later", "fresh"),
    [
        ([str(SESSION), MADE, "v"], 0, True),
        ([str(SESSION), MADE, "v"], NEW_PASSWORD_SECONDS, True),
        ([str(SESSION), MADE, "v"], NEW_PASSWORD_SECONDS + 1, False),
        ([str(SESSION), MADE, "v"], -1, False),
        (["11111111-6a34-4a0b-9d54-0e6a53a4c6c1", MADE, "v"], 0, False),
        (None, 0, False),
        ("text", 0, False),
        ([str(SESSION)], 0, False),
        ([str(SESSION), "soon", "v"], 0, False),
        ({"session": str(SESSION)}, 0, False),
    ],
    ids=[
        "just made",
        "at its end",
        "too old",
        "from the future",
        "of another session",
        "none",
        "a text",
        "half a mark",
        "no time",
        "another shape",
    ],
)
def test_a_mark_serves_one_session_for_a_while(mark: object, later: int, fresh: bool) -> None:
    assert is_fresh_mark(mark, SESSION, MADE + later) is fresh
