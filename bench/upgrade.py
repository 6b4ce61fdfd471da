"""What `flask db upgrade` costs over psql: a hundred files, each a table of `flask db new --table`."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from psycopg import sql

from bench.measure import in_turn, line, ratios
from signet_db import runner
from signet_db.files import find, table_text
from signet_db.scratch import scratch_database
from signet_stack.postgres.binaries import find_binaries

ROOT = Path(__file__).resolve().parents[1]
FILES = 100
HISTORY = """
    create table supabase_migrations.schema_migrations (
        version text not null primary key, name text, statements text[]
    );
"""


def measure_upgrade(database_url: str, rounds: int) -> None:
    """Apply the files in all ways, to a fresh database each time, and print the report."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(folder)
        bare, same = folder / "bare.psql", folder / "same.psql"
        bare.write_text(script(folder, with_history=False))
        same.write_text(script(folder, with_history=True))
        ways: dict[str, Callable[[str], object]] = {
            "bare": lambda url: psql(url, bare),
            "same": lambda url: psql(url, same),
            "runner": lambda url: runner.upgrade(url, folder),
            "command": lambda url: command(url, folder),
        }
        figures = in_turn({way: on_fresh_database(database_url, ways[way]) for way in ways}, rounds)
    print(f"\n{FILES} migrations: psql {statistics.median(figures['same']):.2f} s, history rows included")
    print(
        line("    the runner, and keeps checksums and catalogue", ratios(figures, "runner", "same"), "<= 1.3")
    )
    print(line("    the runner / psql without history", ratios(figures, "runner", "bare")))
    print(line("    flask db upgrade, Python and Flask included", ratios(figures, "command", "same")))


def write_files(folder: Path) -> None:
    """Write our own migrations, and tables enough to make a hundred."""
    own = sorted((ROOT / "migrations").glob("*.sql"))
    for path in own:
        (folder / path.name).write_text(path.read_text())
    for number in range(FILES - len(own)):
        (folder / f"2099010100{number:04}_t{number}.sql").write_text(table_text(f"t{number}"))


def script(folder: Path, *, with_history: bool) -> str:
    """Return what psql runs: each file in a transaction, with its history row or without."""
    lines = ["create schema supabase_migrations;", HISTORY] if with_history else []
    for migration in find(folder):
        row = (migration.version, migration.name, migration.recorded)
        values = ", ".join(sql.Literal(value).as_string() for value in row)
        insert = f"insert into supabase_migrations.schema_migrations values ({values});"
        lines += ["begin;", f"\\i '{migration.path}'", *([insert] if with_history else []), "commit;"]
    return "\n".join(lines)


def on_fresh_database(database_url: str, apply: Callable[[str], object]) -> Callable[[], float]:
    """Return a variant that times applying to a database of its own."""

    def variant() -> float:
        with scratch_database(database_url) as url:
            started = time.perf_counter()
            apply(url)
            return time.perf_counter() - started

    return variant


def psql(url: str, script: Path) -> None:
    """Run the script with PostgreSQL's own client."""
    arguments = ["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", url, "--file", str(script)]
    subprocess.run([find_binaries(os.environ).program("psql"), *arguments], check=True)


def command(url: str, folder: Path) -> None:
    """Run the command as people do."""
    subprocess.run(
        [sys.executable, "-m", "flask", "db", "upgrade", "--database-url", url, "--folder", str(folder)],
        cwd=ROOT,
        env={**os.environ, "FLASK_APP": "wsgi", "FLASK_SKIP_DOTENV": "1", "SUPABASE_LOCAL": "1"},
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
