"""A port that another program takes between our look and the server's own attempt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from signet_stack.errors import PortTaken
from signet_stack.postgres.cluster import SUPERUSER, TEST_SETTINGS, Cluster, new_passwords
from signet_stack.process.ports import ANY_FREE_PORT, listen

pytestmark = pytest.mark.slow


@pytest.fixture
def taken() -> Iterator[int]:
    with listen([ANY_FREE_PORT]) as other:
        yield int(other.getsockname()[1])


@pytest.fixture
def stopped(cluster: Cluster, tmp_path: Path) -> Cluster:
    """Return a cluster of this test's own, made as the session's is."""
    own = Cluster(
        cluster.data_dir.with_name(f"taken-{tmp_path.name}"),
        0,
        new_passwords(),
        TEST_SETTINGS,
        cluster.binaries,
        cluster.run_as,
        tmp_path / "postgres.log",
    )
    own.create()
    return own


def test_the_server_moves_on_when_it_may(stopped: Cluster, taken: int) -> None:
    stopped.port, stopped.may_move = taken, True
    stopped.start()
    try:
        assert stopped.port != taken
        with psycopg.connect(stopped.dsn(SUPERUSER)) as connection:
            assert connection.execute("show port").fetchone() == (str(stopped.port),)
            assert connection.execute("show temp_file_limit").fetchone() == ("2GB",)
    finally:
        stopped.stop()


def test_a_port_that_was_asked_for_is_not_left(stopped: Cluster, taken: int) -> None:
    stopped.port = taken
    with pytest.raises(PortTaken, match=str(taken)):
        stopped.start()
    assert not stopped.is_running
