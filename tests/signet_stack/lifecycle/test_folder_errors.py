"""What an operating system's refusal means, whoever runs the tests: root may read and write everywhere."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from signet_stack.errors import folder_error


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM])
def test_a_folder_of_another_user(tmp_path: Path, number: int) -> None:
    """The command names what is there already: chown cannot change what is still to be made."""
    (tmp_path / "my instance").mkdir()
    path = tmp_path / "my instance" / "signet_stack" / "lock"
    error = folder_error(OSError(number, os.strerror(number)), path)
    assert error.message == f"Cannot read or write {path}: {os.strerror(number)}."
    there = f"'{tmp_path / 'my instance'}'"
    assert error.hint.startswith(f"sudo chown -R $(id -un) {there} && chmod -R u+rwX {there} ")


@pytest.mark.parametrize(
    ("number", "message", "hint"),
    [
        (errno.EROFS, "Cannot write to", "use a folder on another disk"),
        (errno.ENOSPC, "No room left on the disk of", "free some space there, then start again"),
        (errno.EDQUOT, "No room left on the disk of", "free some space there, then start again"),
        (errno.EIO, "Cannot use", "check the folder, then start again"),
    ],
)
def test_a_disk_that_takes_nothing(tmp_path: Path, number: int, message: str, hint: str) -> None:
    error = folder_error(OSError(number, os.strerror(number)), tmp_path)
    assert error.message.startswith(f"{message} {tmp_path}")
    assert error.hint == hint
