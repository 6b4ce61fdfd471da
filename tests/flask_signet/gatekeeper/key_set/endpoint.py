"""A key endpoint of which tests decide what it answers and when, and the threads that ask it."""

from __future__ import annotations

import json
import threading
import time

from flask_signet.gatekeeper.jwks import KeySet
from tests.support.background import wait_for_threads
from tests.support.patience import HANG_SECONDS
from tests.support.token_mint import Mint

MINT = Mint()
DOCUMENT = json.dumps({"keys": [MINT.jwk("ES256")]}).encode()
BOTH = json.dumps({"keys": [MINT.jwk("ES256"), MINT.jwk("EdDSA")]}).encode()
EMPTY = b'{"keys": []}'


class Endpoint:
    """A key endpoint of which tests decide what it answers; counts how often it is asked."""

    def __init__(self, answer: bytes | Exception = DOCUMENT) -> None:
        self.answer = answer
        self.calls = 0
        self.hold: threading.Event | None = None
        self.entered = threading.Event()

    def __call__(self) -> bytes:
        self.calls += 1
        self.entered.set()
        if self.hold is not None:
            assert self.hold.wait(HANG_SECONDS)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def wait_for_background() -> None:
    """Wait for background fetches."""
    wait_for_threads("jwks-fetch")


def wait_until_warm(key_set: KeySet) -> None:
    deadline = time.monotonic() + HANG_SECONDS
    while key_set.is_cold and time.monotonic() < deadline:
        time.sleep(0.001)
