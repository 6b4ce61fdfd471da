"""The folder of extensions that the stack writes beside its cluster."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from signet_stack.postgres.extensions import OURS, TRUSTED, control_path, publish

pytestmark = pytest.mark.slow


@pytest.fixture
def share(tmp_path: Path) -> Path:
    """Return the shared files of a PostgreSQL that has one extension that only superusers create."""
    folder = tmp_path / "it's shared"
    (folder / "extension").mkdir(parents=True)
    (folder / "extension" / "vector.control").write_text("default_version = '1'\n")
    return folder


def published(folder: Path) -> set[str]:
    """Return the names of the files in a published folder."""
    return {path.name for path in (folder / "extension").iterdir()}


def test_it_holds_ours_and_what_postgres_may_create(tmp_path: Path, share: Path) -> None:
    folder = tmp_path / "extensions"
    publish(folder, share)
    assert published(folder) == {"vector.control", *(path.name for path in OURS.iterdir())}
    control = (folder / "extension" / "vector.control").read_text()
    assert control.startswith("default_version = '1'\n")
    assert "trusted = true" in control
    assert f"directory = '{tmp_path}/it''s shared/extension'" in control


def test_only_the_owner_reads_it(tmp_path: Path, share: Path) -> None:
    folder = tmp_path / "extensions"
    publish(folder, share)
    for path in (folder, *folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_a_real_extension_comes_before_ours_unless_it_needs_a_background_worker(
    tmp_path: Path, share: Path
) -> None:
    for name in ("pgcrypto", "pg_cron"):
        (share / "extension" / f"{name}.control").write_text("default_version = '9'\n")
    folder = tmp_path / "extensions"
    publish(folder, share)
    names = published(folder)
    assert not [name for name in names if name.startswith("pgcrypto")]
    assert {"pg_cron.control", "pg_cron--1.6.sql"} <= names
    assert "9" not in (folder / "extension" / "pg_cron.control").read_text().partition("comment")[0]


def test_what_an_older_stack_wrote_is_replaced(tmp_path: Path, share: Path) -> None:
    folder = tmp_path / "extensions"
    publish(folder, share)
    (folder / "extension" / "pgcrypto.control").write_text("old")
    (folder / "extension" / "gone.control").write_text("old")
    publish(folder, share)
    assert "gone.control" not in published(folder)
    assert "old" not in (folder / "extension" / "pgcrypto.control").read_text().split()


def test_servers_that_cannot_read_it_are_not_given_it() -> None:
    assert control_path(Path("/data/extensions"), 18) == "/data/extensions:$system"
    assert control_path(Path("/data/extensions"), 17) is None
    assert control_path(Path("/da:ta/extensions"), 18) is None


def test_every_control_file_has_its_script_and_is_no_extension_of_postgresql() -> None:
    for control in OURS.glob("*.control"):
        version = control.read_text().partition("default_version = '")[2].partition("'")[0]
        assert (OURS / f"{control.stem}--{version}.sql").exists()
        assert control.stem not in TRUSTED
