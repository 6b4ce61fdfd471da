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

from app.migrate import runner
from app.migrate.new_table import table_text
from app.migrate.scratch import scratch_database
from bench.measure import in_turn, line, ratios
from devstack.binaries import find_binaries

ROOT = Path(__file__).resolve().parents[1]
FILES = 100


def measure_upgrade(database_url: str, rounds: int) -> None:
    """Apply the files in both ways, to a fresh database each time, and print the report."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in (ROOT / "migrations").glob("*.sql"):
            (folder / path.name).write_text(path.read_text())
        for number in range(FILES - len(list(folder.iterdir()))):
            (folder / f"2099010100{number:04}_t{number}.sql").write_text(table_text(f"t{number}"))
        script = folder / "all.psql"
        # One transaction for each file, as ours; psql keeps no history, so it does less.
        script.write_text(
            "".join(f"begin;\n\\i '{path}'\ncommit;\n" for path in sorted(folder.glob("*.sql")))
        )
        figures = in_turn(
            {
                "psql": on_fresh_database(database_url, lambda url: psql(url, script)),
                "runner": on_fresh_database(database_url, lambda url: runner.upgrade(url, folder)),
                "command": on_fresh_database(database_url, lambda url: command(url, folder)),
            },
            rounds,
        )
    print(f"\n{FILES} migrations: psql {statistics.median(figures['psql']):.2f} s")
    print(
        line(
            "    the runner, with history, checksums and catalogue",
            ratios(figures, "runner", "psql"),
            "<= 1.3",
        )
    )
    print(
        line("    flask db upgrade, start of Python and Flask included", ratios(figures, "command", "psql"))
    )


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
