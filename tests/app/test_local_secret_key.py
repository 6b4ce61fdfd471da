"""The local SECRET_KEY: generated at the first start, kept after that, private to its owner."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from app.errors import Misconfigured
from app.startup import local_secret_key


@pytest.mark.parametrize("content", [None, "", "short"], ids=["missing", "empty", "cut-short"])
def test_the_local_secret_key_is_made_when_it_is_of_no_use_and_kept_after_that(
    tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "secret_key").write_text(content)
    key = local_secret_key(tmp_path)
    assert len(key) == 64
    assert local_secret_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


def test_a_secret_key_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret_key").mkdir()
    with pytest.raises(Misconfigured, match="secret_key cannot be used"):
        local_secret_key(tmp_path)
