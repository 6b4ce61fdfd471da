"""Refresh tokens of version 2 byte for byte, and the decisions of both versions."""

from __future__ import annotations

import base64
import itertools
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from signet_stack.auth import refresh_token_v1 as v1
from signet_stack.auth import refresh_token_v2 as v2

KEY = base64.urlsafe_b64encode(bytes(range(32))).rstrip(b"=").decode()
SESSION = UUID("00112233-4455-4677-8899-aabbccddeeff")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("counter", "token"),
    [
        (0, "AAARIjNEVUZ3iJmqu8zd7v8ApAEfUhaPfXeRdeXgNk2_RDTRe0M"),
        (1, "AAARIjNEVUZ3iJmqu8zd7v8Bx9f_IEII4GjlZD8RamAnk-W9cfA"),
        (127, "AAARIjNEVUZ3iJmqu8zd7v9_D1K5TMuGh9CDf4epewvW54Q0J6M"),
        (128, "AAARIjNEVUZ3iJmqu8zd7v-AAQBWT0QreQl6mdRbzHEFpSOvQPKX"),
    ],
)
def test_vectors(counter: int, token: str) -> None:
    assert v2.make_token(SESSION, counter, KEY) == token
    parsed = v2.parse_token(token)
    assert parsed is not None
    assert (parsed.session_id, parsed.counter) == (SESSION, counter)
    assert parsed.is_signed_with(KEY)
    assert not parsed.is_signed_with(v2.new_key())


@given(st.uuids(), st.integers(0, v2.MAX_COUNTER))
@example(SESSION, 2**56)  # nine bytes of counter were once too many
def test_every_token_reads_back(session_id: UUID, counter: int) -> None:
    parsed = v2.parse_token(v2.make_token(session_id, counter, KEY))
    assert parsed is not None
    assert (parsed.session_id, parsed.counter) == (session_id, counter)


@given(
    st.integers(0, 50), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
)
def test_no_changed_token_is_signed(position: int, letter: str) -> None:
    token = v2.make_token(SESSION, 1, KEY)
    changed = token[:position] + letter + token[position + 1 :]
    parsed = v2.parse_token(changed)
    assert changed == token or parsed is None or not parsed.is_signed_with(KEY)


@given(st.text(max_size=80))
def test_any_text_is_read_without_raising(text: str) -> None:
    v2.parse_token(text)


@pytest.mark.parametrize(
    ("difference", "seconds", "allows_reuse", "expected"),
    [
        (-1, 0, False, v2.NotIssued()),
        (0, None, False, v2.Advance()),
        (1, 10**9, False, v2.Repeat("fail-to-save")),
        (1, None, False, v2.Repeat("fail-to-save")),
        (1, 9.9, False, v2.Repeat("concurrent-refresh,fail-to-save")),
        (1, 10**9, True, v2.Repeat("fail-to-save,always-allow")),
        (2, 9.9, False, v2.Repeat("concurrent-refresh")),
        (2, -9.9, False, v2.Repeat("concurrent-refresh")),
        (2, 10, False, v2.Reused()),
        (2, None, False, v2.Reused()),
        (2, 10, True, v2.Repeat("always-allow")),
        (9, 1, True, v2.Repeat("concurrent-refresh,always-allow")),
    ],
)
def test_decisions_of_version_2(
    difference: int, seconds: float | None, allows_reuse: bool, expected: v2.Decision
) -> None:
    decided = v2.decide(20, 20 - difference, seconds, 10, allows_reuse=allows_reuse)
    assert decided == expected


@pytest.mark.parametrize(
    ("is_revoked", "is_parent", "age", "interval", "expected"),
    [
        (False, False, 10**6, 0, v1.Effect.SWAP),
        (True, True, 10**6, 0, v1.Effect.RETURN_ACTIVE),
        (True, False, 10, 10, v1.Effect.BRANCH),
        (True, False, 10.1, 10, v1.Effect.REUSE),
        (True, False, 0, 0, v1.Effect.REUSE),
    ],
)
def test_decisions_of_version_1(
    is_revoked: bool, is_parent: bool, age: float, interval: int, expected: v1.Effect
) -> None:
    presented = v1.Presented(is_revoked, is_parent, NOW - timedelta(seconds=age))
    assert v1.decide(presented, NOW, interval) is expected


def test_tokens_of_version_1_do_not_repeat() -> None:
    tokens = set(itertools.islice((v1.new_token() for _ in itertools.count()), 10_000))
    assert len(tokens) == 10_000
    assert all(v1.is_well_formed(token) for token in tokens)
