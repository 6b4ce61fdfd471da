"""The browser's User-Agent is forwarded to Auth as a valid header value, whatever was sent."""

from __future__ import annotations

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_signet.gatekeeper.auth_http import MAX_USER_AGENT, forwardable_user_agent

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:147.0) Gecko/20100101 Firefox/147.0"


@pytest.mark.parametrize(
    ("sent", "forwarded"),
    [
        (FIREFOX, FIREFOX),
        ("", ""),
        ("  \t ", "?"),
        ("   ", ""),
        ("a\r\nX-Evil: 1", "a??X-Evil: 1"),
        ("Gerät/1.0", "Ger?t/1.0"),
        ("x" * 10_000, "x" * MAX_USER_AGENT),
        ("x" * (MAX_USER_AGENT - 1) + " y", "x" * (MAX_USER_AGENT - 1)),
    ],
    ids=[
        "a browser",
        "none",
        "a tab",
        "blanks",
        "a line break",
        "not ASCII",
        "too long",
        "a blank at the cut",
    ],
)
def test_a_user_agent_is_made_fit_for_a_header(sent: str, forwarded: str) -> None:
    assert forwardable_user_agent(sent) == forwarded


@given(st.text())
def test_whatever_it_is_it_can_be_sent(text: str) -> None:
    value = forwardable_user_agent(text)
    headers = [("Host", "localhost"), ("User-Agent", value.encode("ascii"))]
    sent = h11.Connection(h11.CLIENT).send(h11.Request(method="GET", target="/", headers=headers))
    assert sent is not None
    assert len(value) <= MAX_USER_AGENT
    assert forwardable_user_agent(value) == value
