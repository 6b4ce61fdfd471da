"""Which tool names which fault: lint and prove beside pgrls, trespass-rls and rlsgrid, on the same schemas.

    .venv/bin/python -m bench.prove [--peers FOLDER] [--only NAME …]

FOLDER holds the peers' programs, best an environment of their own (``pip install pgrls trespass-rls
rlsgrid``); one that is missing is left out, and the report says so. The schemas are those of
tests/database/broken, each with a right twin. A fault is named where a tool finds something in the broken
schema that it does not find in the twin; what it finds in the twin is noise. Each tool runs with its
defaults; rlsgrid's configuration is what its own ``init --from-db`` writes. On a stack of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import conninfo

from signet_db.lint import Level, lint_files
from signet_db.prove import prove_files
from signet_db.scratch import BLANK, create_database, drop_by_url
from signet_stack.handle import LocalStack
from tests.database.broken_schemas import Case, cases

SECONDS = 120
Findings = set[str]


@dataclass(frozen=True)
class Tool:
    """A tool and what it finds, for the database's URL and the folder with the schema as a file."""

    name: str
    version: str
    find: Callable[[str, Path], Findings]


def ours_lint(server: str) -> Callable[[str, Path], Findings]:
    """Errors and warnings of the lint."""

    def find(url: str, folder: Path) -> Findings:
        judgement = lint_files(server, folder)
        found = (*judgement.open(Level.ERROR), *judgement.open(Level.WARNING))
        return {f"{one.rule.id} {one.object}" for one in found}

    return find


def ours_prove(server: str) -> Callable[[str, Path], Findings]:
    """Leaks, and policies that cannot run."""

    def find(url: str, folder: Path) -> Findings:
        proof = prove_files(server, folder)
        return {f"{leak.operation} {leak.relation}" for leak in proof.leaks} | set(proof.broken)

    return find


def run(command: list[str], folder: Path, url: str = "") -> str:
    """Return what a program prints; empty when it takes too long."""
    environ = {**os.environ, "DATABASE_URL": url, "COLUMNS": "400", "NO_COLOR": "1"}
    try:
        return subprocess.run(
            command, cwd=folder, env=environ, capture_output=True, text=True, timeout=SECONDS, check=False
        ).stdout
    except subprocess.TimeoutExpired:
        return ""


def parsed(text: str) -> dict[str, object]:
    """Return a JSON document, empty where there is none."""
    try:
        value = json.loads(text[text.index("{") :])
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def pgrls(program: str) -> Callable[[str, Path], Findings]:
    """Violations of its lint, and leaks of its three modes of verify."""

    def find(url: str, folder: Path) -> Findings:
        where = ["--database-url", url, "--schemas", "public"]
        violations = parsed(run([program, "lint", *where, "--format", "json"], folder)).get("violations", [])
        assert isinstance(violations, list)
        found = {f"{one['rule_id']} {one['location']}" for one in violations if one["severity"] != "info"}
        for mode in ("anon", "cross-tenant", "write"):
            text = run([program, "verify", "--mode", mode, *where], folder)
            found |= {f"{mode} {line.split()[0]}" for line in text.splitlines() if " LEAK " in line}
        return found

    return find


def trespass(program: str) -> Callable[[str, Path], Findings]:
    """What its check calls vulnerable."""

    def find(url: str, folder: Path) -> Findings:
        findings = parsed(run([program, "check", "--json", "1_schema.sql"], folder)).get("findings", [])
        assert isinstance(findings, list)
        return {
            f"{one.get('rule')} {one.get('table')} {one.get('command')}"
            for one in findings
            if one.get("verdict") == "vulnerable"
        }

    return find


def rlsgrid(program: str) -> Callable[[str, Path], Findings]:
    """Breaches of its check."""

    def find(url: str, folder: Path) -> Findings:
        run([program, "init", "--from-db", "--force"], folder, url)
        breaches = parsed(run([program, "check", "--json"], folder, url)).get("breaches", [])
        assert isinstance(breaches, list)
        return {json.dumps({key: one.get(key) for key in ("table", "op", "role")}) for one in breaches}

    return find


PEERS = {"pgrls": pgrls, "trespass": trespass, "rlsgrid": rlsgrid}


def peers(folder: str | None) -> Iterator[Tool]:
    """Yield the peers that are installed; print those that are not."""
    for name, make in PEERS.items():
        program = shutil.which(name, path=folder)
        if program is None:
            print(f"{name} is not installed and is left out")
            continue
        version = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
        yield Tool(name, version.split()[-1] if version.split() else "?", make(program))


@contextmanager
def applied(server: str, text: str) -> Iterator[tuple[str, Path]]:
    """Apply a schema to a database of its own for the block; give its URL and a folder with the file."""
    url = create_database(server, BLANK)
    try:
        with psycopg.connect(url) as connection:
            connection.execute(text.encode())
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "1_schema.sql").write_text(text)
            database = str(conninfo.conninfo_to_dict(url)["dbname"])
            yield urlunsplit(urlsplit(server)._replace(path=f"/{database}")), Path(folder)
    finally:
        drop_by_url(server, url)


def measure(tools: list[Tool], found: list[Case], server: str) -> None:
    """Print a line for each case, then the counts."""
    width = max(len(case.name) for case in found)
    print(f"{'':<{width}}  " + "  ".join(f"{tool.name:>8}" for tool in tools))
    named = dict.fromkeys((tool.name for tool in tools), 0)
    noise = dict.fromkeys(named, 0)
    for case in found:
        cells = []
        for tool in tools:
            with applied(server, case.broken) as (url, folder):
                broken = tool.find(url, folder)
            with applied(server, case.right) as (url, folder):
                right = tool.find(url, folder)
            named[tool.name] += bool(broken - right)
            noise[tool.name] += len(right)
            cells.append(f"{'named' if broken - right else '–':>8}")
        print(f"{case.name:<{width}}  " + "  ".join(cells), flush=True)
    print(f"{f'named, of {len(found)}':<{width}}  " + "  ".join(f"{named[t.name]:>8}" for t in tools))
    print(f"{'findings on right twins':<{width}}  " + "  ".join(f"{noise[t.name]:>8}" for t in tools))


def measure_time(server: str, rounds: int) -> None:
    """Print the CPU time of the proof of our own migrations, of this process; the server's comes on top."""
    folder = Path(__file__).resolve().parents[1] / "migrations"
    figures = []
    for _ in range(rounds + 1):
        started = process_time()
        prove_files(server, folder)
        figures.append(process_time() - started)
    middle, spread = statistics.median(figures[1:]), f"{min(figures[1:]):.2f}..{max(figures[1:]):.2f}"
    print(f"prove, our own migrations: {middle:.2f} s of CPU ({spread})")


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", metavar="FOLDER", help="where their programs are, instead of PATH")
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[])
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    found = [case for case in cases() if not arguments.only or case.name in arguments.only]
    with LocalStack() as stack:
        server = stack.database_url
        tools = [
            Tool("lint", "this tree", ours_lint(server)),
            Tool("prove", "this tree", ours_prove(server)),
            *peers(arguments.peers),
        ]
        print(", ".join(f"{tool.name} {tool.version}" for tool in tools))
        measure(tools, found, server)
        measure_time(server, arguments.rounds)


if __name__ == "__main__":
    main()
