"""Where the app listens, asked before anything starts: every refusal is one sentence and a command."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from flask_signet.cli.flask_run import CannotListen, PortBusy, check_port


@pytest.mark.parametrize(
    ("host", "port", "message", "hint"),
    [
        ("127.0.0.1", 99999, "99999 is not a port.", "flask run --port N, with N from 1 to 65535"),
        ("127.0.0.1", -1, "-1 is not a port.", "flask run --port N, with N from 1 to 65535"),
        ("192.0.2.1", 8000, "cannot listen on 192.0.2.1, port 8000: ", "flask run --host 127.0.0.1"),
        (
            "a host.invalid",
            8000,
            "cannot listen on a host.invalid, port 8000: ",
            "flask run --host 127.0.0.1",
        ),
    ],
)
def test_an_address_where_nobody_can_listen(host: str, port: int, message: str, hint: str) -> None:
    with pytest.raises(CannotListen) as refused:
        check_port(host, port)
    assert message in refused.value.message
    assert refused.value.hint == hint


def test_a_port_that_needs_root(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_socket: socket.socket, _address: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(CannotListen, match="port 80: Permission denied") as refused:
        check_port("127.0.0.1", 80)
    assert refused.value.hint == "flask run --port 8000"


def test_a_port_that_another_program_has_names_a_free_one() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortBusy) as refused:
            check_port("127.0.0.1", port)
    offered = int(refused.value.hint.removeprefix("flask run --port "))
    assert offered > port
    check_port("127.0.0.1", offered)


def test_a_socket_file_and_a_port_left_to_the_system_are_no_obstacle(tmp_path: Path) -> None:
    check_port(f"unix://{tmp_path}/app.sock", 8000)
    check_port("127.0.0.1", 0)
