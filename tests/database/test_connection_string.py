"""Connection strings: no mistake makes us repeat a password, and each is explained."""

from __future__ import annotations

import pytest

from signet_db.errors import MigrationError
from signet_db.target import named, names_another_machine, refuse_transaction_pooler

HOSTED = "postgresql://postgres:{password}@db.abcdefghij.supabase.co:5432/postgres"


@pytest.mark.parametrize("password", ["p@55word", "pa/55word", "p@#/55", "pa%55word%zz", "a:b@/?#"])
def test_a_password_that_is_not_encoded_is_explained_and_not_repeated(password: str) -> None:
    """libpq takes its pieces for a host, a port or a database."""
    with pytest.raises(MigrationError, match="cannot be read") as caught:
        named(HOSTED.format(password=password))
    assert "55" not in caught.value.message
    assert "percent-encoded (@ is %40, / is %2F)" in caught.value.hint


@pytest.mark.parametrize("password", ["pa:55word", "pa#55word", "pa?55word", "p%40%2F55", "", "[55]"])
def test_a_target_is_named_without_its_password(password: str) -> None:
    assert named(HOSTED.format(password=password)) == "postgres@db.abcdefghij.supabase.co:5432/postgres"


@pytest.mark.parametrize("text", ["nonsense", "mysql://a:b@c/d", "https://abc.supabase.co", "127.0.0.1:5432"])
def test_what_is_no_connection_string_is_refused(text: str) -> None:
    with pytest.raises(MigrationError, match="cannot be read"):
        named(text)


def test_the_placeholder_of_the_project_page_is_noticed() -> None:
    with pytest.raises(MigrationError, match="still says") as caught:
        named(HOSTED.format(password="[YOUR-PASSWORD]"))
    assert caught.value.hint == "Put the database's password there."


@pytest.mark.parametrize(
    ("host", "elsewhere"),
    [
        ("127.0.0.1", False),
        ("[::1]", False),
        ("localhost", False),
        ("database", False),  # the connection will tell
        ("", False),
        ("203.0.113.7", True),
        ("[2001:db8::7]", True),
        ("db.abcdefghij.supabase.co", True),
        ("aws-0-eu-central-1.pooler.Supabase.com", True),
    ],
)
def test_what_names_another_machine(host: str, elsewhere: bool) -> None:
    assert names_another_machine(f"postgresql://postgres:x@{host}:5432/postgres") is elsewhere


def test_the_transaction_pooler_is_refused() -> None:
    pooler = "postgresql://postgres.abc:x@aws-0-eu-central-1.pooler.supabase.com:{port}/postgres"
    refuse_transaction_pooler(pooler.format(port=5432))
    refuse_transaction_pooler("postgresql://postgres:x@127.0.0.1:6543/postgres")
    with pytest.raises(MigrationError, match="Port 6543") as caught:
        refuse_transaction_pooler(pooler.format(port=6543))
    assert "5432" in caught.value.hint
