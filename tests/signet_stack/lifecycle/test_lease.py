"""A lease on a stack that hangs: waits are explained, and end with an error and its next step."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from signet_stack.handle import LocalStackHangs, RunningStack
from signet_stack.process import lease
from signet_stack.process.folder import locked, prepare
from signet_stack.process.lease import Lease, take_lease

PID = 4711


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("START_SECONDS", "STOP_SECONDS", "SILENT_SECONDS"):
        monkeypatch.setattr(lease, name, 0.05)


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[Path]:
    """Return the folder of a stack that holds its lock and its port, and says nothing."""
    prepare(tmp_path / "signet_stack")
    with socket.create_server(("127.0.0.1", 0)) as silent, locked(tmp_path / "signet_stack"):
        described = described_at(silent.getsockname()[1])
        (tmp_path / "signet_stack" / "stack.json").write_text(json.dumps(described))
        yield tmp_path / "signet_stack"


def described_at(port: int) -> dict[str, object]:
    texts = dict.fromkeys(RunningStack.__slots__, "")
    return {**texts, "pid": PID, "control": {"port": port, "token": "t"}}


def test_a_join_that_waits_names_the_process_and_then_the_remedy(
    hanging: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "Starter", pytest.fail)
    said: list[str] = []
    with pytest.raises(LocalStackHangs, match="does not answer") as hangs:
        take_lease(hanging, "http://127.0.0.1:8000", "test", said.append)
    assert said == [f"waiting for the local stack (process {PID}) to be ready"]
    assert hangs.value.hint == f"kill -9 {PID}"


@pytest.fixture
def held() -> Iterator[tuple[Lease, list[str]]]:
    """Return a lease on a stack that does not end, and what it says."""
    said: list[str] = []
    ours, theirs = socket.socketpair()
    with theirs:
        stack = RunningStack(**described_at(1))  # type: ignore[arg-type]
        yield Lease(stack, ours, None, said.append, lambda: None), said


def test_a_stack_that_does_not_end_is_named(held: tuple[Lease, list[str]]) -> None:
    taken, said = held
    taken.release()
    assert said == ["warning: The local stack has not ended after 0.05 s.", f"Next: kill -9 {PID}"]


def test_a_second_ctrl_c_ends_the_wait(
    held: tuple[Lease, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def press(_seconds: float) -> bool:
        raise KeyboardInterrupt

    taken, said = held
    monkeypatch.setattr(taken._ended, "wait", press)
    taken.release()
    assert said == []
