"""Checkouts for the life and death of the local stack."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from signet_stack.process.lease import Lease, take_lease
from tests.conftest import free_port
from tests.signet_stack.lifecycle.checkout import Checkout

# A shell that runs the tests in the background lets them and their children ignore Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

Start = Callable[..., Lease]  # arguments: further ones of `python -m signet_stack`


@pytest.fixture(scope="session")
def used_checkout(fast_folder: Path) -> Path:
    """Return a checkout whose stack has run once, stopped now; to be copied, not to be used."""
    checkout = Checkout.make(fast_folder / "used checkout")
    try:
        checkout.hold().terminate()
        checkout.assert_nothing_left()
    finally:
        checkout.end()
    return checkout.path


@pytest.fixture
def place(fast_folder: Path) -> Iterator[Path]:
    """Return a folder of this test's own: blanks in its path, and no room for the name of a socket file."""
    folder = Path(tempfile.mkdtemp(dir=fast_folder, prefix=f"a place with a {'very ' * 20}long name "))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def clone(place: Path) -> Iterator[Checkout]:
    """Return a fresh clone: no instance folder yet."""
    checkout = Checkout.make(place / "clone")
    yield checkout
    checkout.end()


@pytest.fixture
def checkout(place: Path, used_checkout: Path) -> Iterator[Checkout]:
    """Return a checkout with a cluster, its stack stopped."""
    checkout = Checkout.copy(used_checkout, place / "checkout")
    yield checkout
    checkout.end()


@pytest.fixture(scope="session")
def held(fast_folder: Path, used_checkout: Path) -> Iterator[Checkout]:
    """Return a checkout whose stack runs, for tests that only look; its command is `flask local start`."""
    checkout = Checkout.copy(used_checkout, fast_folder / "held checkout")
    checkout.hold()
    yield checkout
    checkout.end()


@pytest.fixture
def port() -> int:
    """Return a port for the app."""
    return free_port()


@pytest.fixture
def folder(place: Path, used_checkout: Path) -> Path:
    """Return a stopped stack's data folder."""
    shutil.copytree(used_checkout / "instance" / "signet_stack", place / "instance" / "signet_stack")
    return place / "instance" / "signet_stack"


@pytest.fixture
def leases() -> Iterator[ExitStack]:
    """Return what releases every lease of the test."""
    with ExitStack() as taken:
        yield taken


@pytest.fixture
def start(folder: Path, leases: ExitStack) -> Start:
    """Return a function that starts the folder's stack."""

    def start(*options: str) -> Lease:
        lease = take_lease(folder, "http://127.0.0.1:8000", "test", print, options=options)
        leases.callback(lease.release)
        return lease

    return start
