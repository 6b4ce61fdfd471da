"""Fixtures for every suite: one PostgreSQL cluster a session, fresh databases, contexts, one whole stack."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import certifi
import hypothesis
import psycopg
import pytest
from psycopg import sql

from signet_db.scratch import drop_database
from signet_stack.auth_settings import AuthSettingsStore
from signet_stack.context import ApiKeys, Clock, Context, system_clock
from signet_stack.handle import LocalStack, RunningStack
from signet_stack.postgres.binaries import find_binaries
from signet_stack.postgres.bootstrap import bootstrap
from signet_stack.postgres.cluster import SUPERUSER, TEST_SETTINGS, Cluster, new_passwords
from signet_stack.postgres.database import Database
from signet_stack.postgres.root import place
from signet_stack.signing_keys import SigningKeys
from tests.support.certificate import self_signed_certificate
from tests.support.processes import left_in

# Machines differ in speed, so no example has a deadline; what lands must not depend on a die, so CI has none.
hypothesis.settings.register_profile("default", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")

# Every HTTP client reads the world's root certificates at its birth, which takes 20 ms, and tests make
# hundreds of clients that speak plain HTTP on loopback. One certificate that proves nothing is read at once.
_ONE_ROOT = tempfile.NamedTemporaryFile(prefix="signet-test-")  # noqa: SIM115 - it lives as long as the run
_ONE_ROOT.write(self_signed_certificate())
_ONE_ROOT.flush()
certifi.where = lambda: _ONE_ROOT.name
os.environ.pop("SSL_CERT_FILE", None)  # it would be read instead
os.environ.pop("SSL_CERT_DIR", None)

# A run under nohup ignores SIGHUP, and so would every command that tests start: a closed terminal ends them.
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Workers and hundreds of commands start during a run: each would compile all modules again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

ROOT = Path(__file__).resolve().parent.parent
pytest_plugins = ["flask_signet.testing.plugin"]
SHM = Path("/dev/shm")
SHM_NEEDED_BYTES = 300 * 1024 * 1024


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let tests/signet_stack/official run on another project than the local stack."""
    group = parser.getgroup("supabase", "another project for tests/signet_stack/official")
    group.addoption("--supabase-url", help="the project's URL")
    group.addoption("--supabase-key", help="its publishable key")
    group.addoption("--supabase-secret-key", help="its secret key, to make and delete users")


def pytest_xdist_auto_num_workers() -> int:
    """Take one worker more than there are cores, because tests wait for processes and time limits."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of tests/browser, and let `-m "not slow"` leave out what runs on demand only."""
    for item in items:
        if "browser" in item.path.relative_to(ROOT).parts:
            item.add_marker(pytest.mark.browser)
        if item.get_closest_marker("interop") or item.get_closest_marker("exhaustive"):
            item.add_marker(pytest.mark.slow)


def free_port() -> int:
    """Return a TCP port that nothing on loopback uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def fast_folder() -> Iterator[Path]:
    """Return a folder on the RAM disk where there is room, else in the ordinary temporary place."""
    parent = None
    if SHM.is_dir():
        room = os.statvfs(SHM)
        if room.f_bavail * room.f_frsize >= SHM_NEEDED_BYTES:
            parent = SHM
    folder = Path(tempfile.mkdtemp(prefix="signet-test-", dir=parent))
    yield folder
    left = left_in(folder)
    shutil.rmtree(folder, ignore_errors=True)
    assert not left, "the tests have left processes behind"


@pytest.fixture(scope="session")
def cluster(fast_folder: Path) -> Iterator[Cluster]:
    """Run one bootstrapped cluster for the whole session; database `postgres` serves as the template."""
    placement = place(fast_folder, find_binaries(os.environ), os.environ)
    cluster = Cluster(
        placement.data_dir,
        free_port(),
        new_passwords(),
        TEST_SETTINGS,
        placement.binaries,
        placement.run_as,
        fast_folder / "postgres.log",
    )
    cluster.create()
    cluster.start()
    bootstrap(cluster, warn=pytest.fail)
    yield cluster
    cluster.stop()


@contextmanager
def new_database(cluster: Cluster) -> Iterator[str]:
    """Make a database with roles and schema auth, without migrations; drop it afterwards."""
    name = f"test_{uuid.uuid4().hex}"
    create = "create database {} template postgres strategy file_copy owner postgres"
    with psycopg.connect(cluster.dsn(SUPERUSER, "template1"), autocommit=True) as admin:
        admin.execute(sql.SQL(create).format(sql.Identifier(name)))
        yield name
        drop_database(admin, name)


@pytest.fixture
def fresh_database(cluster: Cluster) -> Iterator[str]:
    """Return the name of a new database of this test's own."""
    with new_database(cluster) as name:
        yield name


def open_context(cluster: Cluster, name: str, clock: Clock = system_clock) -> Context:
    """Build a stack's context on a database; close its pools afterwards."""
    database = Database(cluster.dsn("supabase_auth_admin", name), cluster.dsn("authenticator", name))
    database.open()
    keys = SigningKeys(database.auth, clock)
    keys.ensure_one()
    settings = AuthSettingsStore(database.auth, clock)
    settings.reload()
    return Context(
        database=database,
        signing_keys=keys,
        auth_settings=settings,
        api_keys=ApiKeys("sb_publishable_test", "sb_secret_test"),
        management_token="sbp_test",
        api_url="http://127.0.0.1:54321",
        issuer="http://127.0.0.1:54321/auth/v1",
        site_url="http://127.0.0.1:8000",
        clock=clock,
        password_cost=4,
    )


@pytest.fixture
def make_context(cluster: Cluster, fresh_database: str) -> Iterator[Callable[..., Context]]:
    """Return a function that builds a stack's context on the fresh database."""
    opened: list[Context] = []

    def make(clock: Clock = system_clock) -> Context:
        opened.append(open_context(cluster, fresh_database, clock))
        return opened[-1]

    yield make
    for context in opened:
        context.database.close()


@pytest.fixture(scope="session")
def stack(supabase_stack: LocalStack) -> RunningStack:
    """Return the addresses and keys of the local stack of this test process."""
    return supabase_stack.running
