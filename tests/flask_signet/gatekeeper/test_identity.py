"""The verified claims of an identity: read-only, never printed, and read defensively."""

from __future__ import annotations

from typing import Any

import pytest

from flask_signet import Authentication, Identity
from tests.support.token_mint import NOW, Mint, claims
from tests.support.verified import CLAIMS

MINT = Mint()


def identity(**changes: Any) -> Identity:
    return Identity.of(CLAIMS, MINT.token(payload=claims(**changes)))


def test_claims_are_those_of_the_token_with_what_a_hook_added() -> None:
    found = identity(plan={"name": "pro", "seats": [1, 2]}).claims
    assert found["plan"]["name"] == "pro"
    assert found["plan"]["seats"] == (1, 2)
    assert found["session_id"] == str(CLAIMS.session_id)


def test_claims_cannot_be_changed_at_any_depth() -> None:
    found: Any = identity(plan={"name": "pro"}).claims
    with pytest.raises(TypeError):
        found["role"] = "service_role"
    with pytest.raises(TypeError):
        found["plan"]["name"] = "free"
    with pytest.raises(AttributeError):
        found["amr"].append("x")


def test_claims_are_never_printed() -> None:
    person = identity(secret_of_a_hook="hunter2")
    assert person.claims["secret_of_a_hook"] == "hunter2"
    for text in (repr(person), str(person), f"{person}"):
        assert "hunter2" not in text
        assert person.access_token not in text


def test_methods_are_sorted_by_time_whatever_the_order() -> None:
    person = identity(
        aal="aal2",
        amr=[
            {"method": "password", "timestamp": NOW - 100},
            {"method": "totp", "timestamp": NOW},
            {"method": "token_refresh", "timestamp": NOW + 50},
        ],
    )
    assert person.aal == "aal2"
    assert [one.method for one in person.amr] == ["token_refresh", "totp", "password"]
    assert person.amr[1] == Authentication("totp", NOW)
    assert person.authenticated_at == NOW, "a refresh proves nothing new"


@pytest.mark.parametrize(
    "amr", [..., None, "password", {}, [], [1], ["password"], [{"method": "x"}], [{"timestamp": 1}]]
)
def test_an_amr_of_another_shape_is_no_proof(amr: Any) -> None:
    person = identity(amr=amr)
    assert person.amr == ()
    assert person.authenticated_at == 0


@pytest.mark.parametrize("aal", [..., None, 2, ["aal2"]])
def test_a_missing_level_is_the_lowest(aal: Any) -> None:
    assert identity(aal=aal).aal == "aal1"


@pytest.mark.parametrize(
    ("changes", "roles"),
    [
        ({}, []),
        ({"user_role": "admin"}, ["admin"]),
        ({"app_metadata": {"role": "editor"}}, ["editor"]),
        ({"app_metadata": {"roles": ["a", "b", 1, ""]}}, ["a", "b"]),
        ({"app_metadata": {"roles": "admin"}}, []),
        ({"app_metadata": ["admin"]}, []),
        ({"user_role": ["admin"]}, []),
        ({"user_metadata": {"role": "admin", "roles": ["admin"]}}, []),
    ],
    ids=str,
)
def test_roles_come_from_what_users_cannot_write(changes: dict[str, Any], roles: list[str]) -> None:
    assert sorted(identity(**changes).roles) == roles
