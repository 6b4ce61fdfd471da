"""Measure the data API: against the bare SQL transaction, and against the real PostgREST 12.

    python -m bench.data_api [--rounds 7]

Runs a whole local stack of its own. Everything that is compared takes turns in the same run; each line gives
medians, the median of the ratios, and the smallest and largest. PostgREST comes from npm (Linux on
x86_64); without it that part is left out.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import jwt
import psycopg

from app.cli.lease import take_lease
from app.migrate import runner
from bench import load, real_postgrest
from devstack import stack_file
from devstack.context import Context
from devstack.database import Database
from devstack.gateway import Gateway
from devstack.rest import create_rest
from devstack.rest.catalog.load import load_catalog
from devstack.services import make_context

ROOT = Path(__file__).parent.parent
CALLS = 300
SECONDS = 1.0
STOP_SECONDS = 20
TABLES = 1000
COLUMNS = "id,user_id,display_name,avatar_url,is_public"


@dataclass(frozen=True)
class Subject:
    """One person with a profile, on a running stack."""

    context: Context
    owner_dsn: str  # of role postgres
    pid: int
    user_id: str
    token: str

    @property
    def path(self) -> str:
        """The request that reads the person's own profile."""
        return f"/profiles?select={COLUMNS}&user_id=eq.{self.user_id}"

    @property
    def headers(self) -> dict[str, str]:
        """What the app sends along."""
        return {"apikey": self.context.api_keys.publishable, "Authorization": f"Bearer {self.token}"}


@contextmanager
def subject() -> Iterator[Subject]:
    """Start a stack, apply the migrations, and make a person, a session and a profile."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        place = Path(folder) / "devstack"
        lease = take_lease(place, "http://127.0.0.1:8000", "bench", lambda *_: None, options=["--ephemeral"])
        runner.upgrade(lease.stack.database_url, ROOT / "migrations")
        installation = stack_file.load(place)
        assert installation is not None
        dsn = "host=127.0.0.1 port={} dbname=postgres user={} password={}"
        auth, data = (
            dsn.format(installation.db_port, role, installation.passwords[role])
            for role in ("supabase_auth_admin", "authenticator")
        )
        context = make_context(Database(auth, data), installation, "http://127.0.0.1:8000")
        try:
            yield _person(context, lease.stack.database_url, lease.stack.pid)
        finally:
            context.database.close()
            lease.release()
            _wait_until_stopped(place / "stack.json")


def _wait_until_stopped(file: Path) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline and json.loads(file.read_text()).get("control"):
        time.sleep(0.05)


def _person(context: Context, owner_dsn: str, pid: int) -> Subject:
    user_id, session_id = str(uuid.uuid4()), str(uuid.uuid4())
    key = context.signing_keys.in_use()
    claims = {
        "sub": user_id,
        "role": "authenticated",
        "session_id": session_id,
        "exp": int(time.time()) + 3600,
    }
    token = jwt.encode(claims, key.private, key.algorithm, headers={"kid": key.kid})
    with context.database.auth.connection() as connection:
        connection.execute("insert into auth.users (id, email) values (%s, %s)", (user_id, f"{user_id}@x"))
        connection.execute("insert into auth.sessions (id, user_id) values (%s, %s)", (session_id, user_id))
    person = Subject(context, owner_dsn, pid, user_id, token)
    connection_ = http.client.HTTPConnection(context.api_url.removeprefix("http://"))
    body = json.dumps({"display_name": "Bench"})
    connection_.request("POST", "/rest/v1/profiles", body, person.headers)
    answer = connection_.getresponse()
    if answer.status != 201:
        raise RuntimeError(answer.read().decode())
    connection_.close()
    return person


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


def against_sql(person: Subject, rounds: int) -> None:
    """Own profile by the data API, in this process and over HTTP, against the same by plain SQL."""
    pool = person.context.database.data
    claims = json.dumps(jwt.decode(person.token, options={"verify_signature": False}))
    settings = "select set_config('role', 'authenticated', true), set_config('request.jwt.claims', %s, true)"
    query = f"select {COLUMNS} from public.profiles where user_id = %s".encode()

    def sql() -> object:
        with pool.connection() as connection, connection.transaction():
            connection.execute(settings, (claims,))
            return connection.execute(query, (person.user_id,)).fetchall()

    gateway = Gateway(person.context, {"/rest/v1": create_rest(person.context)})
    path, _, text = person.path.partition("?")

    def wsgi() -> object:
        environ = {
            "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": f"/rest/v1{path}", "QUERY_STRING": text,
            "HTTP_APIKEY": person.headers["apikey"], "HTTP_AUTHORIZATION": person.headers["Authorization"],
            "wsgi.input": io.BytesIO(), "wsgi.errors": sys.stderr, "wsgi.url_scheme": "http",
            "SERVER_NAME": "x", "SERVER_PORT": "80",
        }  # fmt: skip
        return b"".join(gateway(environ, lambda *_: None))  # type: ignore[arg-type]

    kept = http.client.HTTPConnection(person.context.api_url.removeprefix("http://"))

    def over_http() -> object:
        kept.request("GET", f"/rest/v1{person.path}", headers=person.headers)
        return kept.getresponse().read()

    calls = {"sql": sql, "wsgi": wsgi, "http": over_http}
    for call in calls.values():
        microseconds(call)
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            times[name].append(microseconds(call))
    kept.close()
    compare("own profile, one client: data API / SQL transaction", times["wsgi"], times["sql"], "µs")
    compare("  the same over HTTP (waitress, http.client)", times["http"], times["sql"], "µs")


def against_postgrest(person: Subject, rounds: int) -> None:
    """Throughput at 1, 8 and 32 clients, whole and per second of the server's own CPU time."""
    if not real_postgrest.is_available():
        print("PostgREST: left out, npm on Linux x86_64 is needed")
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
            ours = _target(person, person.context.api_url, "/rest/v1", person.pid)
            theirs = _target(person, real.url, "", real.pid)
            for clients in (1, 8, 32):
                for warm_up in (ours, theirs):
                    warm_up(clients)
                runs = [(ours(clients), theirs(clients)) for _ in range(rounds)]
                whole = [[run.per_second for run in side] for side in zip(*runs, strict=True)]
                per_core = [[run.per_cpu_second for run in side] for side in zip(*runs, strict=True)]
                compare(f"{clients} clients: data API / PostgREST 12", whole[0], whole[1], "req/s")
                if all(per_core[0] + per_core[1]):
                    compare("  per core of the server", per_core[0], per_core[1], "req/CPU s")
            mine, other = load.resident_megabytes(person.pid), load.resident_megabytes(real.pid)
            compare("memory after that: whole local stack / PostgREST", [mine], [other], "MB")


def _target(person: Subject, url: str, prefix: str, pid: int) -> Callable[[int], load.Load]:
    host = url.removeprefix("http://")
    name, _, port = host.partition(":")
    request = load.get_request(host, prefix + person.path, person.headers)
    return lambda clients: load.run((name, int(port)), pid, request, clients, SECONDS)


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
            catalog = load_catalog(connection, ("bench",))
            between = time.perf_counter()
            connection.execute(baseline).fetchall()
            ours.append((between - started) * 1e3)
            theirs.append((time.perf_counter() - between) * 1e3)
    compare(f"schema cache of {len(catalog.tables)} tables / information_schema", ours, theirs, "ms")


def main() -> None:
    """Run everything and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    print(f"{'':<58}{'ours':>9} {'baseline':>9} {'':<12}{'ratio':>6}  (spread of {rounds} rounds)")
    with subject() as person:
        against_sql(person, rounds)
        against_postgrest(person, rounds)
        schema_cache(person, rounds)


if __name__ == "__main__":
    main()
