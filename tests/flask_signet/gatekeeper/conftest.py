"""Fixtures of the gatekeeper's tests over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.flask_signet.gatekeeper.faulty_auth import FaultyAuth


@pytest.fixture
def auth() -> Iterator[FaultyAuth]:
    """Run an Auth server of the test's own."""
    with FaultyAuth().running() as double:
        yield double
