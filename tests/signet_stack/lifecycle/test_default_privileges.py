"""The two sets of default privileges, and the change from one to the other on a cluster that is there."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from signet_stack.postgres.bootstrap import BLANK, DefaultPrivileges, apply_files
from signet_stack.postgres.cluster import SUPERUSER, Cluster

pytestmark = pytest.mark.slow

MAKE = (
    "create table public.made (id serial); create function public.made() returns int language sql return 1;"
)
HELD = """
    select
        has_table_privilege(role, 'public.made', 'select'),
        has_table_privilege(role, 'public.made', 'truncate'),
        has_sequence_privilege(role, 'public.made_id_seq', 'usage'),
        has_function_privilege(role, 'public.made()', 'execute')
    from unnest(array['anon', 'authenticated', 'service_role']) as role
"""


@pytest.fixture
def change(cluster: Cluster) -> Iterator[None]:
    """Return the shared cluster to the default afterwards."""
    yield
    apply_files(cluster, pytest.fail, "current")


@pytest.mark.parametrize(("chosen", "held"), [("current", False), ("legacy", True)])
def test_new_objects_have_the_rights_of_a_project_of_that_age(
    cluster: Cluster, change: None, chosen: DefaultPrivileges, held: bool
) -> None:
    apply_files(cluster, pytest.fail, chosen)
    scratch = sql.Identifier(f"scratch_{chosen}")
    with psycopg.connect(cluster.dsn("postgres", "template1"), autocommit=True) as admin:
        admin.execute(sql.SQL("create database {} template {}").format(scratch, sql.Identifier(BLANK)))
    try:
        for database in ("postgres", f"scratch_{chosen}"):
            with psycopg.connect(cluster.dsn("postgres", database)) as connection:
                connection.execute(MAKE)
                assert connection.execute(HELD).fetchall() == [(held,) * 4] * 3
                connection.rollback()
    finally:
        with psycopg.connect(cluster.dsn(SUPERUSER, "template1"), autocommit=True) as admin:
            admin.execute(sql.SQL("drop database {} with (force)").format(scratch))


def test_the_template_refuses_connections_again(cluster: Cluster) -> None:
    apply_files(cluster, pytest.fail, "current")
    with pytest.raises(psycopg.OperationalError, match="not currently accepting connections"):
        psycopg.connect(cluster.dsn("postgres", BLANK))


def test_a_cluster_without_the_template_starts_all_the_same(cluster: Cluster, change: None) -> None:
    """A start that was killed before it made the template leaves one."""
    rename = sql.SQL("alter database {} rename to {}")
    names = sql.Identifier(BLANK), sql.Identifier("aside")
    with psycopg.connect(cluster.dsn(SUPERUSER, "template1"), autocommit=True) as admin:
        admin.execute(rename.format(*names))
        try:
            apply_files(cluster, pytest.fail, "legacy")
            apply_files(cluster, pytest.fail, "current")
        finally:
            admin.execute(rename.format(*reversed(names)))
