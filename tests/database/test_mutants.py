"""Every mistake in our migrations that changes the database is found by the policy tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import psycopg
import pytest

from signet_db import runner, snapshot
from signet_db.errors import MigrationError
from signet_db.files import find
from signet_stack.options import DefaultPrivileges
from signet_stack.postgres.bootstrap import set_default_privileges
from signet_stack.postgres.cluster import SUPERUSER, Cluster
from tests.conftest import new_database
from tests.database.mutants import Mutant, mutants_of
from tests.database.paths import MIGRATIONS, ROOT

pytestmark = pytest.mark.slow

POLICY_TESTS = (
    "test_grants.py",
    "test_policy_matrix.py",
    "test_account_functions.py",
    "test_session_limits.py",
    "test_lint.py::test_our_own_migrations_are_clean",
)
MUTANTS = [mutant for migration in find(MIGRATIONS) for mutant in mutants_of(migration)]
EVERY = 26  # each run of the policy tests takes seconds, so the ordinary run tries a sample
SAMPLED = [
    pytest.param(mutant, id=mutant.name, marks=[] if number % EVERY == 0 else pytest.mark.exhaustive)
    for number, mutant in enumerate(MUTANTS)
]


def objects_of(cluster: Cluster, folder: Path) -> tuple[dict[str, str], ...]:
    """Return what the migrations of a folder make, under each kind of default privileges."""
    found = []
    for kind in get_args(DefaultPrivileges):
        with new_database(cluster) as name:
            with psycopg.connect(cluster.dsn(SUPERUSER, name)) as connection:
                set_default_privileges(connection, kind)
            runner.upgrade(cluster.dsn("postgres", name), folder)
            with psycopg.connect(cluster.dsn("postgres", name)) as connection:
                found.append(snapshot.take(connection))
                rows = connection.execute("select * from private.session_limits").fetchall()
                found[-1]["rows of private.session_limits"] = str(rows)
    return tuple(found)


@pytest.fixture(scope="session")
def original(cluster: Cluster) -> tuple[dict[str, str], ...]:
    """Return what our own migrations make."""
    return objects_of(cluster, MIGRATIONS)


def run_policy_tests(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the policy tests on the migrations of a folder, up to the first failure."""
    arguments = ["-q", "-x", "-n", "0", "-p", "no:cacheprovider"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *arguments, *(f"tests/database/{name}" for name in POLICY_TESTS)],
        cwd=ROOT,
        env={**os.environ, "SIGNET_TEST_MIGRATIONS": str(folder), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("mutant", SAMPLED)
def test_the_policy_tests_find_every_mistake(
    cluster: Cluster, original: tuple[dict[str, str], ...], tmp_path: Path, mutant: Mutant
) -> None:
    """A mutant that makes the same database under both kinds of default privileges is no mistake."""
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder)
    (folder / mutant.path).write_text(mutant.text)
    try:
        if objects_of(cluster, folder) == original:
            return
    except MigrationError:
        return  # found before any test ran
    done = run_policy_tests(folder)
    assert done.returncode in (0, 1), done.stdout[-4000:] + done.stderr[-4000:]
    assert done.returncode == 1, "the policy tests pass with this mistake"


def test_the_policy_tests_pass_without_a_mistake() -> None:
    """Else every mutant would seem to be found."""
    assert run_policy_tests(MIGRATIONS).returncode == 0
