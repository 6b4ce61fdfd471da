"""Whatever is killed, nothing stays behind, and the next start has every committed row."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from signet_stack.handle import is_locked
from signet_stack.process.lease import take_lease
from tests.conftest import free_port
from tests.signet_stack.lifecycle.checkout import PATIENCE, Checkout, answers, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self").exists(), reason="finds processes in /proc"),
]


@dataclass
class Diary:
    """A table whose rows must survive everything, and how many there are."""

    checkout: Checkout
    rows: int = 0

    def write(self, database_url: str) -> None:
        """Check that no row was lost, and add one."""
        with psycopg.connect(database_url) as connection:
            connection.execute("create table if not exists diary (line int primary key)")
            lines = connection.execute("select line from diary order by line").fetchall()
            assert lines == [(line,) for line in range(self.rows)]
            connection.execute("insert into diary values (%s)", [self.rows])
        self.rows += 1


@pytest.fixture(scope="module")
def shared_diary(fast_folder: Path, used_checkout: Path) -> Diary:
    """Return one checkout for all deaths: each start is the recovery from the death before."""
    return Diary(Checkout.copy(used_checkout, fast_folder / "all deaths"))


@pytest.fixture
def diary(shared_diary: Diary) -> Iterator[Diary]:
    """Return the diary; a failed test leaves no process for the next one."""
    yield shared_diary
    shared_diary.checkout.end()


def kill(name: str, number: int = signal.SIGKILL) -> Callable[[Checkout], None]:
    """Return a death: this process of the stack gets a signal."""
    word, but_not = {
        "stack": ("signet_stack.server", "\n"),
        "supervisor": ("signet_stack.process.supervisor", "\n"),
        "postmaster": ("/bin/postgres -D ", "signet_stack.process.supervisor"),
    }[name]
    return lambda checkout: os.kill(checkout.one_process(word, but_not=but_not), number)


def kill_busy_postmaster(checkout: Checkout) -> None:
    """Kill the postmaster while a backend computes and so notices nothing."""
    database_url = checkout.running().database_url

    def compute() -> None:
        # Needs no storage, and ends by itself in case that nothing else ends it.
        busy = "set statement_timeout = '60s'; do $$ begin loop null; end loop; end $$"
        with psycopg.connect(database_url) as connection, pytest.raises(psycopg.OperationalError):
            connection.execute(busy)

    thread = threading.Thread(target=compute)
    thread.start()
    with psycopg.connect(database_url, autocommit=True) as connection:
        others = "select from pg_stat_activity where state = 'active' and pid <> pg_backend_pid()"
        until(lambda: connection.execute(others).fetchone() is not None, "a busy backend")
    kill("postmaster")(checkout)
    thread.join()


def kill_stack_and_supervisor(checkout: Checkout) -> None:
    """Kill everybody who could stop the server; the kernel does it."""
    kill("supervisor")(checkout)
    kill("stack")(checkout)


def kill_stack_and_busy_postmaster(checkout: Checkout) -> None:
    """Leave only the supervisor to notice the orphan."""
    kill("stack", signal.SIGSTOP)(checkout)
    kill_busy_postmaster(checkout)
    kill("stack")(checkout)


STACK_DEATHS = {
    "stack-killed": kill("stack"),
    "stack-terminated": kill("stack", signal.SIGTERM),
    "supervisor-killed": kill("supervisor"),
    "supervisor-terminated": kill("supervisor", signal.SIGTERM),
    "stack-and-supervisor-killed": kill_stack_and_supervisor,
    "postmaster-killed": kill("postmaster"),
    "postmaster-killed-while-a-backend-is-busy": kill_busy_postmaster,
    "stack-and-postmaster-killed-while-a-backend-is-busy": kill_stack_and_busy_postmaster,
}


@pytest.mark.parametrize("die", STACK_DEATHS.values(), ids=STACK_DEATHS.keys())
def test_a_death_inside_the_stack_ends_it_whole(diary: Diary, die: Callable[[Checkout], None]) -> None:
    lost = threading.Event()
    lease = take_lease(diary.checkout.folder, "http://127.0.0.1:8000", "test", print, on_lost=lost.set)
    diary.write(lease.stack.database_url)
    die(diary.checkout)
    diary.checkout.assert_nothing_left()
    assert lost.wait(PATIENCE)
    lease.release()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=lambda number: number.name)
def test_the_stack_ends_with_flask_run(diary: Diary, number: signal.Signals) -> None:
    server = diary.checkout.serve(free_port())
    diary.write(diary.checkout.running().database_url)
    server.send_signal(number)
    diary.checkout.assert_nothing_left()


def test_the_reloaders_child_ends_with_its_parent(diary: Diary) -> None:
    parent = diary.checkout.serve(free_port(), "--debug")
    assert len([line for line in diary.checkout.processes().values() if "--debug" in line]) == 2
    diary.write(diary.checkout.running().database_url)
    parent.kill()
    diary.checkout.assert_nothing_left()


def test_a_closed_terminal_ends_everything(diary: Diary) -> None:
    """The kernel sends SIGHUP to every process of the terminal's group."""
    parent = diary.checkout.serve(free_port(), "--debug")
    diary.write(diary.checkout.running().database_url)
    os.killpg(parent.pid, signal.SIGHUP)
    diary.checkout.assert_nothing_left()


def test_the_server_goes_on_and_says_so_when_the_stack_dies(diary: Diary) -> None:
    port = free_port()
    server = diary.checkout.serve(port)
    diary.write(diary.checkout.running().database_url)
    kill("stack")(diary.checkout)
    until(lambda: "error: The local stack has ended" in server.log, "a message")
    assert answers(f"http://127.0.0.1:{port}/healthz")
    server.terminate()
    diary.checkout.assert_nothing_left()


def test_nobody_starts_before_the_supervisor_of_a_killed_stack_has_cleaned_up(diary: Diary) -> None:
    """It would end the new server along with what is left of the old one."""
    folder = diary.checkout.folder
    lease = take_lease(folder, "http://127.0.0.1:8000", "test", print)
    diary.write(lease.stack.database_url)
    supervisor = diary.checkout.one_process("signet_stack.process.supervisor")
    os.kill(supervisor, signal.SIGSTOP)
    kill("stack")(diary.checkout)
    lease.wait()
    assert is_locked(folder)
    os.kill(supervisor, signal.SIGCONT)
    until(lambda: not is_locked(folder), "the end of the supervisor")
    assert not (folder / "cluster" / "postmaster.pid").exists()
    lease.release()


def test_a_start_that_is_killed_at_any_moment_leaves_nothing_and_the_next_one_succeeds(
    clone: Checkout,
) -> None:
    """Kill -9 of the command that starts a stack for the first time: before, during and after initdb."""
    for moment in ("lock", "cluster.partial", "cluster/postmaster.pid"):
        command = clone.begin("flask", "local", "start")
        until(lambda moment=moment: (clone.folder / moment).exists(), moment)
        command.kill()
        clone.assert_nothing_left()
    clone.hold()
    with psycopg.connect(clone.running().database_url) as connection:
        assert connection.execute("select count(*) from public.profiles").fetchone() == (0,)
