"""Measure the data API: against the bare SQL transaction, and against the real PostgREST 12.

    python -m bench.data_api [--rounds 7]

Runs a whole local stack of its own. Everything that is compared takes turns in the same run; each line gives
medians, the median of the ratios, and the smallest and largest. PostgREST comes from npm (Linux on
x86_64); without it that part is left out.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path

import jwt
import psycopg

from bench import load, real_postgrest
from bench.data_api_subject import COLUMNS, Subject, subject
from signet_stack.gateway import Gateway
from signet_stack.rest import create_rest
from signet_stack.rest.schema_cache.load import load_schema_cache
from signet_stack.rest.settings import RestSettings

CALLS = 300
SECONDS = 1.0
TABLES = 1000
LABELS = {
    "wsgi": "own profile, one client: data API in process / SQL",
    "http": "  data API over HTTP (waitress) / SQL",
    "real": "  PostgREST 12 over HTTP / SQL",
}


def compare(name: str, ours: Sequence[float], baseline: Sequence[float], unit: str) -> None:
    """Print one line: medians, and the ratio with its spread."""
    ratios = sorted(a / b for a, b in zip(ours, baseline, strict=True))
    print(
        f"{name:<58}{statistics.median(ours):>9.1f} {statistics.median(baseline):>9.1f} {unit:<12}"
        f"{statistics.median(ratios):>6.2f}  ({ratios[0]:.2f}..{ratios[-1]:.2f})"
    )


def microseconds(call: Callable[[], object]) -> float:
    """Return what one call costs, on average."""
    started = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - started) / CALLS * 1e6


@contextmanager
def postgrest(person: Subject) -> Iterator[real_postgrest.RealPostgrest | None]:
    """Run the real PostgREST on the same database, where there is one."""
    if not real_postgrest.is_available():
        print("PostgREST: left out, npm on Linux x86_64 is needed")
        yield None
        return
    settings: dict[str, str | int] = {
        "db-uri": str(person.context.database.data.conninfo),
        "db-schemas": "public",
        "db-extra-search-path": "public,extensions",
        "db-anon-role": "anon",
        "db-max-rows": 1000,
        "jwt-secret": json.dumps(person.context.signing_keys.jwks()),
        "jwt-cache-max-lifetime": 3600,
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with real_postgrest.running(real_postgrest.install(folder), folder, settings) as real:
            yield real


def address_and_request(person: Subject, url: str, prefix: str) -> tuple[tuple[str, int], bytes]:
    """Return where to ask for the person's own profile, and the bytes that ask for it."""
    return load.address_of(url), load.request_of("GET", url + prefix + person.path, person.headers)


def one_client(person: Subject, real: real_postgrest.RealPostgrest | None, rounds: int) -> None:
    """Own profile by one client: in this process, over HTTP and from PostgREST, against plain SQL.

    Over HTTP both servers are asked by the same few lines (`load.Connection`).
    """
    calls = {"sql": _by_sql(person), "wsgi": _in_process(person)}
    servers = {"http": (person.context.api_url, "/rest/v1"), **({"real": (real.url, "")} if real else {})}
    with ExitStack() as open_sockets:
        for name, (url, prefix) in servers.items():
            address, request = address_and_request(person, url, prefix)
            connection = open_sockets.enter_context(closing(load.Connection(address)))
            calls[name] = partial(connection.ask, request)
        times: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(rounds + 1):
            for name, call in calls.items():
                times[name].append(microseconds(call))
    sql = times.pop("sql")
    for name, figures in times.items():
        compare(LABELS[name], figures[1:], sql[1:], "µs")  # the first round warms up


def _by_sql(person: Subject) -> Callable[[], object]:
    """Return a call that reads the profile as the bare transaction, from a pool like the data API's."""
    pool = person.context.database.data
    claims = json.dumps(jwt.decode(person.token, options={"verify_signature": False}))
    settings = "select set_config('role', 'authenticated', true), set_config('request.jwt.claims', %s, true)"
    query = f"select {COLUMNS} from public.profiles where user_id = %s".encode()

    def call() -> object:
        with pool.connection() as connection, connection.transaction():
            connection.execute(settings, (claims,))
            return connection.execute(query, (person.user_id,)).fetchall()

    return call


def _in_process(person: Subject) -> Callable[[], object]:
    """Return a call of the gateway and the data API as WSGI applications."""
    gateway = Gateway(person.context, {"/rest/v1": create_rest(person.context)})
    path, _, text = person.path.partition("?")

    def call() -> object:
        environ = {
            "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": f"/rest/v1{path}", "QUERY_STRING": text,
            "HTTP_APIKEY": person.headers["apikey"], "HTTP_AUTHORIZATION": person.headers["Authorization"],
            "wsgi.input": io.BytesIO(), "wsgi.errors": sys.stderr, "wsgi.url_scheme": "http",
            "SERVER_NAME": "x", "SERVER_PORT": "80",
        }  # fmt: skip
        return b"".join(gateway(environ, lambda *_: None))  # type: ignore[arg-type]

    return call


def many_clients(person: Subject, real: real_postgrest.RealPostgrest, rounds: int) -> None:
    """Throughput at 1, 8 and 32 clients, whole and per second of the server's own CPU time."""
    mine, other = (
        partial(load.run, address, pid, request)
        for (address, request), pid in (
            (address_and_request(person, person.context.api_url, "/rest/v1"), person.pid),
            (address_and_request(person, real.url, ""), real.pid),
        )
    )
    for clients in (1, 8, 32):
        runs = [(mine(clients, SECONDS), other(clients, SECONDS)) for _ in range(rounds + 1)][1:]
        whole = [[run.per_second for run in side] for side in zip(*runs, strict=True)]
        per_core = [[run.per_cpu_second for run in side] for side in zip(*runs, strict=True)]
        compare(f"{clients} clients: data API / PostgREST 12", whole[0], whole[1], "req/s")
        if all(per_core[0] + per_core[1]):
            compare("  per core of the server", per_core[0], per_core[1], "req/CPU s")
    ours, theirs = load.resident_megabytes(person.pid), load.resident_megabytes(real.pid)
    compare("memory after that: whole local stack / PostgREST", [ours], [theirs], "MB")


def schema_cache(person: Subject, rounds: int) -> None:
    """Loading the schema cache of 1,000 tables, against reading their columns from information_schema."""
    columns = ", ".join(f"c{number} text default 'x'" for number in range(9))
    with psycopg.connect(person.owner_dsn) as owner:
        owner.execute("create schema bench")
        owner.execute("create table bench.t0 (id int primary key)")
        for number in range(1, TABLES):
            owner.execute(
                f"create table bench.t{number} (id int primary key references bench.t0, {columns})".encode()
            )
        owner.execute("grant usage on schema bench to authenticator")
        owner.execute("grant select on all tables in schema bench to authenticator")
    baseline = b"select * from information_schema.columns where table_schema = 'bench'"
    ours, theirs = [], []
    with psycopg.connect(str(person.context.database.data.conninfo), autocommit=True) as connection:
        for _ in range(rounds):
            started = time.perf_counter()
            cache = load_schema_cache(connection, RestSettings(schemas=("bench",)))
            between = time.perf_counter()
            connection.execute(baseline).fetchall()
            ours.append((between - started) * 1e3)
            theirs.append((time.perf_counter() - between) * 1e3)
    compare(f"schema cache of {len(cache.tables)} tables / information_schema", ours, theirs, "ms")


def main() -> None:
    """Run everything and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    print(f"{'':<58}{'ours':>9} {'baseline':>9} {'':<12}{'ratio':>6}  (spread of {rounds} rounds)")
    with subject() as person:
        with postgrest(person) as real:
            one_client(person, real, rounds)
            if real:
                many_clients(person, real, rounds)
        schema_cache(person, rounds)


if __name__ == "__main__":
    main()
