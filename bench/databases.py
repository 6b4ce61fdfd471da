"""What a test pays for a database of its own: a copy of the migrated template.

    .venv/bin/python -m bench.databases [--rounds N]

The baseline, measured in the same rounds, is a copy of the blank template to which the migrations are
applied. Dropping the database is not counted. On a temporary stack, as the pytest plugin has it.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

from bench.measure import in_turn, line, ratios
from signet_db import runner, scratch
from signet_stack.handle import LocalStack

MIGRATIONS = Path(__file__).parents[1] / "migrations"


def measure(stack: LocalStack, rounds: int) -> None:
    """Measure both ways in turn and print the report."""

    def copied() -> float:
        started = time.perf_counter()
        url = stack.new_database()
        created = time.perf_counter() - started
        stack.drop_database(url)
        return created

    def applied() -> float:
        started = time.perf_counter()
        with scratch.scratch_database(stack.database_url) as url:
            runner.upgrade(url, MIGRATIONS)
            return time.perf_counter() - started

    copied()  # creates the template
    figures = in_turn({"copied": copied, "applied": applied}, rounds)
    milliseconds = [1000 * seconds for seconds in figures["copied"]]
    spread = f"{min(milliseconds):.0f}..{max(milliseconds):.0f}"
    print(f"new database: {statistics.median(milliseconds):.0f} ms   ({spread})   goal <= 60 ms")
    print(line("new database / migrations applied to a blank one", ratios(figures, "copied", "applied")))


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    with LocalStack() as stack:
        stack.apply_migrations(MIGRATIONS)
        measure(stack, rounds)


if __name__ == "__main__":
    main()
