"""Event triggers of migrations: hosted projects let postgres create them, PostgreSQL only superusers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from signet_db import runner
from signet_db.errors import MigrationFailed
from signet_stack.postgres.cluster import SUPERUSER, Cluster

Write = Callable[[str, str], Path]
FUNCTION = "create function public.fire() returns event_trigger language plpgsql as $$ begin {} end $$;\n"


@pytest.mark.parametrize(
    ("statement", "message", "line"),
    [
        ("create event trigger zzz on ddl_command_start execute function public.fire();", "reserved", 2),
        ("create event trigger a on nosuch execute function public.fire();", "unrecognized event name", 2),
        (
            "create event trigger a on ddl_command_end execute function signet_hosted.check_drops();",
            "permission denied",
            2,
        ),
        ("drop event trigger pgrst_ddl_watch;", "permission denied", 2),
        ("drop event trigger nosuch;", "does not exist", 2),
        (
            "create event trigger a on ddl_command_end execute function public.fire();\nselect nosuch;",
            'column "nosuch"',
            3,
        ),
    ],
)
def test_refused_at_its_line(
    target: str, folder: Path, write: Write, statement: str, message: str, line: int
) -> None:
    write("1_one.sql", FUNCTION.format("") + statement)
    with pytest.raises(MigrationFailed, match=message) as caught:
        runner.upgrade(target, folder)
    assert caught.value.place is not None
    assert caught.value.place.line == line


def test_they_do_not_fire_for_the_superuser(
    cluster: Cluster, target: str, fresh_database: str, folder: Path, write: Write
) -> None:
    """Otherwise the function of postgres would run with every right."""
    write(
        "1_one.sql",
        FUNCTION.format("raise exception 'fired for %', current_user;")
        + "create event trigger mine on ddl_command_start execute function public.fire();",
    )
    runner.upgrade(target, folder)
    with psycopg.connect(cluster.dsn(SUPERUSER, fresh_database)) as admin:
        admin.execute("create table public.by_admin ()")
    with (
        psycopg.connect(target) as connection,
        pytest.raises(psycopg.errors.RaiseException, match="fired for postgres"),
    ):
        connection.execute("create table public.by_postgres ()")
