"""What an Auth outage does to people with valid tokens, against the same load while Auth answers.

    .venv/bin/python -m bench.outage [--quick]

One gunicorn worker with 8 threads. 64 people with expired sessions reload once a second, 4 people with valid
ones all the time. Baseline: the same people, the same worker, Auth answering.
"""

from __future__ import annotations

import argparse
import http.client
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.gatekeeper import cookies_of, served
from tests.flask_signet.gatekeeper.faulty_auth import Fault, FaultyAuth, answers, hangs

EXPIRED_PEOPLE = 64
VALID_PEOPLE = 4
THREADS = 8
LIMIT = 30  # seconds for one request


@dataclass
class Person:
    """A person who reloads a page, ``pause`` seconds after each answer."""

    port: int
    cookie: str
    pause: float
    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def reload(self, stop: threading.Event) -> None:
        """Ask for the page until stopped."""
        while not stop.is_set():
            started = time.perf_counter()
            self.statuses[get(self.port, self.cookie)] += 1
            self.seconds.append(time.perf_counter() - started)
            stop.wait(self.pause)


def get(port: int, cookie: str) -> int:
    """Return the status of the page."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
    try:
        connection.request("GET", "/page", headers={"Cookie": cookie})
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


@contextmanager
def busy(people: list[Person]) -> Iterator[None]:
    """Let people reload until the block ends."""
    stop = threading.Event()
    threads = [threading.Thread(target=person.reload, args=(stop,)) for person in people]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def percentile(values: list[float], share: float) -> float:
    """Return the value below which a share of all lies."""
    return statistics.quantiles(values, n=100)[round(share * 100) - 1]


def phase(auth: FaultyAuth, port: int, cookies: tuple[list[str], list[str]], seconds: float) -> list[float]:
    """Load the worker for some seconds; print what happened and return the latencies of valid sessions."""
    expired = [Person(port, cookie, 1.0) for cookie in cookies[0]]
    valid = [Person(port, cookie, 0.02) for cookie in cookies[1]]
    before = auth.calls["refresh"]
    with busy(expired + valid):
        time.sleep(seconds)
    latencies = [value for person in valid for value in person.seconds]
    statuses = sum((person.statuses for person in valid), Counter[int]())
    others = sum((person.statuses for person in expired), Counter[int]())
    print(
        f"  valid: {dict(statuses)}, p50 {percentile(latencies, 0.5) * 1000:.1f} ms, "
        f"p95 {percentile(latencies, 0.95) * 1000:.1f} ms, longest {max(latencies) * 1000:.0f} ms; "
        f"expired: {dict(others)}; exchanges a second: {(auth.calls['refresh'] - before) / seconds:.1f}"
    )
    return latencies


def recovery(port: int, cookie: str, release: threading.Event, auth: FaultyAuth) -> float:
    """End the outage; return the seconds until an expired session is served."""
    del auth.faults["refresh"]
    release.set()
    started = time.perf_counter()
    while get(port, cookie) != 200:
        time.sleep(0.05)
    return time.perf_counter() - started


def main() -> None:
    """Run the outages."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="outages of 12 instead of 60 seconds")
    seconds = 12.0 if parser.parse_args().quick else 60.0
    for name in ("hangs", "is down"):
        with FaultyAuth().running() as auth, served(auth, "guarded", THREADS) as (port, _):
            cookies = cookies_of(auth, EXPIRED_PEOPLE, age=4000), cookies_of(auth, VALID_PEOPLE)
            while get(port, cookies[1][0]) != 200:
                time.sleep(0.05)
            print("Auth answers")
            baseline = phase(auth, port, cookies, min(seconds, 20))
            time.sleep(11)  # finished exchanges are kept for ten seconds
            release = threading.Event()
            fault: Fault = hangs(release) if name == "hangs" else answers(503)
            auth.faults["refresh"] = fault
            print(f"Auth {name} for {seconds:.0f} s")
            during = phase(auth, port, cookies, seconds)
            ratio = percentile(during, 0.95) / percentile(baseline, 0.95)
            print(f"  p95 of valid sessions, outage / baseline: {ratio:.2f} x   goal <= 2")
            print(f"  back after {recovery(port, cookies[0][0], release, auth):.2f} s   goal <= 2")


if __name__ == "__main__":
    main()
