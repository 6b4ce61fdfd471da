"""A key set on an endpoint and a clock that the test moves."""

from __future__ import annotations

import pytest

from flask_signet.gatekeeper.jwks import KeySet
from tests.flask_signet.gatekeeper.key_set.endpoint import Endpoint
from tests.support.background import StoppedClock


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint()


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def key_set(endpoint: Endpoint, clock: StoppedClock) -> KeySet:
    return KeySet(endpoint, clock=clock, wait=30)
