"""What migrations of real projects do, one file each, applied by the runner; they check their results."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from signet_db import runner
from signet_stack.postgres.cluster import Cluster
from tests.conftest import new_database

IDIOMS = sorted((Path(__file__).parent / "idioms").glob("*.sql"))


@pytest.mark.parametrize("idiom", IDIOMS, ids=[path.stem for path in IDIOMS])
def test_applies(cluster: Cluster, tmp_path: Path, idiom: Path) -> None:
    folder = tmp_path / "migrations"
    folder.mkdir()
    shutil.copy(idiom, folder / f"20260101000000_{idiom.name}")
    with new_database(cluster) as name:
        runner.upgrade(cluster.dsn("postgres", name), folder)
