"""Measure variants in turn, round by round: when the machine changes its speed, all of them change alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

ROUNDS = 9


def in_turn(variants: Mapping[str, Callable[[], float]], rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Return each variant's figures; every round runs all of them, after one round that is not counted."""
    figures: dict[str, list[float]] = {name: [] for name in variants}
    for number in range(rounds + 1):
        for name, variant in variants.items():
            figure = variant()
            if number:
                figures[name].append(figure)
    return figures


def seconds_per_call(call: Callable[[], object], calls: int) -> Callable[[], float]:
    """Return a variant that times ``calls`` calls and gives the seconds of one."""

    def variant() -> float:
        started = time.perf_counter()
        for _ in range(calls):
            call()
        return (time.perf_counter() - started) / calls

    return variant


def ratios(figures: Mapping[str, list[float]], name: str, baseline: str) -> list[float]:
    """Return a variant's figures as multiples of the baseline's, round by round."""
    return [ours / theirs for ours, theirs in zip(figures[name], figures[baseline], strict=True)]


def line(label: str, values: list[float], goal: str = "") -> str:
    """Return a line of the report: median and spread of ratios."""
    middle = statistics.median(values)
    spread = f"{min(values):.3f}..{max(values):.3f}"
    return f"{label:<58} {middle:7.3f} x   ({spread})" + (f"   goal {goal}" if goal else "")


def microseconds(values: list[float]) -> str:
    """Return the median of seconds as microseconds."""
    return f"{statistics.median(values) * 1e6:.1f} us"


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds that the threads of a process and of its children have used (Linux).

    From the scheduler's own clock: the counters of /proc/PID/stat are sampled by ticks, and a server that
    wakes in step with them looks twice as expensive as it is.
    """
    nanoseconds = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            if pid in (parent, int(stat.parent.name)):
                threads = stat.parent.glob("task/*/schedstat")
                nanoseconds += sum(int(thread.read_text().split()[0]) for thread in threads)
        except OSError:
            continue  # it ended while we looked
    return nanoseconds / 1e9
