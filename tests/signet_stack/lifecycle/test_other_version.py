"""A cluster that another version of the stack has made: what is new is run, what changed is told once."""

from __future__ import annotations

import shutil
from pathlib import Path

import psycopg
import pytest

from signet_stack.errors import PostgresError
from signet_stack.postgres import bootstrap
from signet_stack.postgres.cluster import SUPERUSER, Cluster

pytestmark = pytest.mark.slow


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the SQL files that the next start would use."""
    folder = tmp_path / "sql"
    shutil.copytree(bootstrap.FOLDER, folder)
    monkeypatch.setattr(bootstrap, "FOLDER", folder)
    return folder


def test_what_changed_is_named_with_the_next_step_and_what_that_costs(cluster: Cluster, files: Path) -> None:
    for name in ("002_auth.sql", "003_signing_keys.sql"):
        with (files / name).open("a") as file:
            file.write("create table public.never_made ();")
    told: list[str] = []
    bootstrap.apply_files(cluster, told.append)
    (warning,) = told
    assert "002_auth.sql, 003_signing_keys.sql" in warning
    assert "Next: python -m signet_stack reset (deletes people, rows, mails and signing keys)" in warning
    assert exists(cluster, "public.never_made") is False


def test_an_unchanged_cluster_is_not_warned_about(cluster: Cluster, files: Path) -> None:
    bootstrap.apply_files(cluster, pytest.fail)


def test_a_new_file_is_run_on_an_old_cluster(cluster: Cluster, files: Path) -> None:
    (files / "999_new.sql").write_text("create schema made_later")
    try:
        bootstrap.apply_files(cluster, pytest.fail)
        assert exists(cluster, "made_later", "regnamespace")
    finally:
        with psycopg.connect(cluster.dsn(SUPERUSER)) as connection:
            connection.execute("drop schema if exists made_later")
            connection.execute("delete from bootstrap.files where name = '999_new.sql'")


def exists(cluster: Cluster, name: str, kind: str = "regclass") -> bool:
    """Whether the cluster has something of a name."""
    with psycopg.connect(cluster.dsn(SUPERUSER)) as connection:
        row = connection.execute(f"select to_{kind}(%s) is not null".encode(), (name,)).fetchone()
        return bool(row and row[0])


def test_a_new_file_that_cannot_run_on_an_older_cluster_is_named_with_the_next_step(
    cluster: Cluster, files: Path
) -> None:
    with (files / "001_roles.sql").open("a") as file:
        file.write("create role made_since;")
    (files / "999_new.sql").write_text("create schema later authorization made_since")
    warnings: list[str] = []
    with pytest.raises(PostgresError, match="made_since") as caught:
        bootstrap.apply_files(cluster, warnings.append)
    assert "reset (deletes" in str(caught.value.hint)
    assert exists(cluster, "later", "regnamespace") is False
