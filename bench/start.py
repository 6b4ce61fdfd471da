"""From `flask run` to the first page, and from its end to no process at all.

    .venv/bin/python -m bench.start [--rounds N]

The baseline is `flask run` of an app that says hello, measured in the same rounds: what Python, Flask and the
machine cost without any of this. "cold" makes the cluster, applies the migrations and starts everything;
"warm" starts everything on the cluster that is there. On disk, with fsync, as people have it.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from bench.measure import in_turn, line, ratios
from tests.conftest import free_port
from tests.signet_stack.lifecycle.checkout import Checkout
from tests.support.processes import processes_of

HELLO = """
from flask import Flask
app = Flask(__name__)
app.get("/")(lambda: "Hello")
"""
POLL_SECONDS = 0.002
GIVE_UP_SECONDS = 60.0


def first_page(checkout: Checkout, *options: str) -> float:
    """Start `flask run` and return the seconds until it has answered GET / with success."""
    port = free_port()
    started = time.perf_counter()
    checkout.begin("flask", *options, "run", "--port", str(port))
    wait_until(lambda: is_answered(f"http://127.0.0.1:{port}/"), started)
    return time.perf_counter() - started


def ended(checkout: Checkout, number: signal.Signals) -> float:
    """Send a signal to the running command and return the seconds until no process is left."""
    started = time.perf_counter()
    checkout.commands.pop().send_signal(number)
    wait_until(lambda: not processes_of(checkout.path), started)
    return time.perf_counter() - started


def wait_until(condition: Callable[[], bool], started: float) -> None:
    """Poll until a condition holds; raises TimeoutError."""
    while not condition():
        if time.perf_counter() - started > GIVE_UP_SECONDS:
            raise TimeoutError
        time.sleep(POLL_SECONDS)


def is_answered(url: str) -> bool:
    """Whether a GET is answered with success."""
    try:
        with urllib.request.urlopen(url) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def seconds(label: str, values: list[float], goal: str) -> str:
    """Return a line of the report: median and spread of seconds."""
    spread = f"{min(values):.2f}..{max(values):.2f}"
    return f"{label:<58} {statistics.median(values):7.2f} s   ({spread})   goal {goal}"


def measure(checkout: Checkout, hello: Checkout, rounds: int) -> None:
    """Run all variants in turn and print the report."""
    stops: dict[str, list[float]] = {"interrupted": [], "killed": []}

    def cold() -> float:
        shutil.rmtree(checkout.path / "instance", ignore_errors=True)
        figure = first_page(checkout)
        stops["interrupted"].append(ended(checkout, signal.SIGINT))
        return figure

    def warm() -> float:
        figure = first_page(checkout)
        stops["killed"].append(ended(checkout, signal.SIGKILL))
        return figure

    def baseline() -> float:
        figure = first_page(hello, "--app", "hello")
        ended(hello, signal.SIGKILL)
        return figure

    figures = in_turn({"hello": baseline, "cold": cold, "warm": warm}, rounds)
    print(f"flask run of a hello-world app: {statistics.median(figures['hello']):.2f} s to its first page")
    print(seconds("cold, cluster creation included", figures["cold"], "<= 3"))
    print(line("cold / hello-world", ratios(figures, "cold", "hello")))
    print(seconds("warm, existing cluster", figures["warm"], "<= 1.5"))
    print(line("warm / hello-world", ratios(figures, "warm", "hello")))
    print(seconds("Ctrl-C to no process left", stops["interrupted"], "<= 2"))
    print(seconds("kill -9 to no process left", stops["killed"], "<= 2"))


def main() -> None:
    """Read the command line and measure in a temporary folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        checkout = Checkout.make(Path(folder) / "signet")
        hello = Checkout(Path(folder) / "hello")
        hello.path.mkdir()
        (hello.path / "hello.py").write_text(HELLO)
        try:
            measure(checkout, hello, rounds)
        finally:
            checkout.end()
            hello.end()


if __name__ == "__main__":
    main()
