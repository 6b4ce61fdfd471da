"""Verified tokens are remembered within bounds, and forgotten with the keys that vouched for them."""

from __future__ import annotations

import json
from types import MappingProxyType

import pytest

from flask_signet.gatekeeper.auth_http import Answer
from flask_signet.gatekeeper.breaker import Breaker
from flask_signet.gatekeeper.errors import KeyUnknown, TokenExpired, TokenMalformed
from flask_signet.gatekeeper.jwks import Snapshot, parse_key_set
from flask_signet.gatekeeper.legacy import LegacyTokens
from flask_signet.gatekeeper.tokens import Expected
from flask_signet.gatekeeper.verification import VerifiedTokens, Verifier
from tests.support.token_mint import ISSUER, NOW, Mint
from tests.support.verified import CLAIMS

MINT = Mint()
EXPECTED = Expected((ISSUER,))


class Keys:
    """A key source that counts how it is used."""

    def __init__(self) -> None:
        self.is_cold = False
        self.asked = 0
        self.looked_for: list[tuple[str, bool]] = []
        self.snapshot = self._snapshot("ES256")

    def _snapshot(self, *algorithms: str) -> Snapshot:
        raw = json.dumps({"keys": [MINT.jwk(algorithm) for algorithm in algorithms]}).encode()
        return Snapshot(MappingProxyType(parse_key_set(raw, allow_development_key=False).keys), 0.0)

    def publish(self, *algorithms: str) -> None:
        self.snapshot = self._snapshot(*algorithms)

    def current(self) -> Snapshot:
        self.asked += 1
        return self.snapshot

    def look_again_for(self, kid: str, *, from_auth: bool = False) -> Snapshot:
        self.looked_for.append((kid, from_auth))
        return self.snapshot


def never_asked(_token: str) -> Answer:
    raise AssertionError("Auth was asked")


@pytest.fixture
def keys() -> Keys:
    return Keys()


@pytest.fixture
def verifier(keys: Keys, now: list[float]) -> Verifier:
    legacy = LegacyTokens(never_asked, EXPECTED, lambda: now[0], Breaker())
    return Verifier(keys, legacy, EXPECTED, lambda: now[0])


@pytest.fixture
def now() -> list[float]:
    return [float(NOW)]


def count_verifications(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    from flask_signet.gatekeeper import verification

    calls: list[int] = []
    original = verification.verify_access_token
    monkeypatch.setattr(verification, "verify_access_token", lambda *a: (calls.append(1), original(*a))[1])
    return calls


def test_a_token_is_verified_once_while_the_keys_stay(
    verifier: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = count_verifications(monkeypatch)
    token = MINT.token()
    assert verifier.verify(token) == verifier.verify(token)
    assert len(calls) == 1


def test_a_new_key_set_makes_every_token_prove_itself_again(
    verifier: Verifier, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = count_verifications(monkeypatch)
    token = MINT.token()
    verifier.verify(token)
    keys.publish("ES256", "EdDSA")
    verifier.verify(token)
    assert len(calls) == 2
    keys.publish("EdDSA")
    with pytest.raises(KeyUnknown):
        verifier.verify(token)


def test_a_remembered_token_still_expires(verifier: Verifier, now: list[float]) -> None:
    token = MINT.token()
    verifier.verify(token)
    now[0] += 3606
    with pytest.raises(TokenExpired):
        verifier.verify(token)


def test_an_unknown_kid_is_looked_for_with_its_origin(verifier: Verifier, keys: Keys) -> None:
    for from_auth in (False, True):
        with pytest.raises(KeyUnknown):
            verifier.verify(MINT.token("EdDSA"), from_auth=from_auth)
    assert keys.looked_for == [("ed-key", False), ("ed-key", True)]


def test_in_a_cold_process_junk_is_refused_before_keys_are_fetched(verifier: Verifier, keys: Keys) -> None:
    keys.is_cold = True
    with pytest.raises(TokenMalformed):
        verifier.verify("junk")
    assert keys.asked == 0


def test_the_memory_is_bounded_and_drops_the_least_recently_used() -> None:
    memory = VerifiedTokens(size=3)
    snapshot = Keys().snapshot.keys
    assert memory.get("a", snapshot) is None
    for token in "abc":
        memory.put(token, snapshot, CLAIMS)
    assert memory.get("a", snapshot) is CLAIMS
    memory.put("d", snapshot, CLAIMS)
    assert len(memory) == 3
    assert memory.get("b", snapshot) is None
    assert memory.get("a", snapshot) is CLAIMS


def test_a_result_of_a_former_key_set_is_not_remembered() -> None:
    memory = VerifiedTokens()
    old, new = Keys().snapshot.keys, Keys().snapshot.keys
    memory.get("a", new)
    memory.put("a", old, CLAIMS)
    assert memory.get("a", new) is None


def test_no_token_is_kept_in_memory_as_text(verifier: Verifier) -> None:
    token = MINT.token()
    verifier.verify(token)
    assert token not in repr(vars(verifier._verified))
