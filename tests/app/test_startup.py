"""The preparation of `flask run`: the address that the app shows and expects."""

from __future__ import annotations

import click
import pytest

from app.startup import _served_at


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:8123"),
        ("localhost", "http://localhost:8123"),
        ("::1", "http://localhost:8123"),
        ("0.0.0.0", "http://127.0.0.1:8123"),
        (None, "http://127.0.0.1:8123"),
    ],
)
def test_the_address_that_is_shown_is_one_that_answers_here(host: str | None, address: str) -> None:
    context = click.Context(click.Command("run"))
    context.params = {"host": host, "port": 8123}
    assert _served_at(context) == address
