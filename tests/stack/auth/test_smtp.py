"""SMTP_URL: mails leave by a mail server, and a mail that cannot leave makes no token."""

from __future__ import annotations

import email
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from email.message import Message

import pytest

from devstack.context import Context
from tests.stack.auth.conftest import PASSWORD, Project, TestClock, error, new_email, serve_project


class MailServer(socketserver.ThreadingTCPServer):
    """Speaks as much SMTP as one mail needs, without TLS; keeps what it gets."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.received: list[Message] = []

    @property
    def url(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}?from=auth@example.com"


class Conversation(socketserver.StreamRequestHandler):
    """One connection (RFC 5321)."""

    server: MailServer

    def handle(self) -> None:
        self.wfile.write(b"220 ready\r\n")
        for line in self.rfile:
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                self.server.received.append(email.message_from_bytes(self._message()))
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
            if word == b"QUIT":
                return

    def _message(self) -> bytes:
        lines = iter(self.rfile.readline, b".\r\n")
        return b"".join(line.removeprefix(b".") if line.startswith(b"..") else line for line in lines)


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    """Run a mail server."""
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@contextmanager
def project_with(context: Context, smtp_url: str) -> Iterator[Project]:
    """Serve a project whose mails go to a mail server."""
    clock = TestClock()
    with serve_project(replace(context, clock=clock, smtp_url=smtp_url), clock) as project:
        project.set(mailer_autoconfirm=False)
        yield project


def test_a_mail_leaves_with_text_html_link_and_code(
    make_context: Callable[..., Context], mail_server: MailServer
) -> None:
    address = new_email()
    with project_with(make_context(), f"smtp://{mail_server.url}") as project:
        body = {"email": address, "password": PASSWORD}
        assert project.post("/signup", body).status_code == 200
        assert project.mails(address) == []
        assert "SMTP_URL is set" in project.http.get("/mailbox/").text
        (message,) = mail_server.received
        text, html = (part.get_payload(decode=True).decode() for part in message.get_payload())
        assert (message["To"], message["From"]) == (address, "auth@example.com")
        assert "/auth/confirm?token_hash=" in text
        code = text.split("this code: ")[1][:6]
        assert code in html
        verified = project.post("/verify", {"type": "signup", "email": address, "token": code})
        assert verified.status_code == 200


@pytest.mark.parametrize("user", ["", "name:password@"])
def test_a_mail_that_cannot_leave_makes_no_account(
    make_context: Callable[..., Context], mail_server: MailServer, user: str
) -> None:
    """Nobody listens; or a password would have to travel in the clear."""
    where = mail_server.url if user else "127.0.0.1:1?from=auth@example.com"
    address = new_email()
    with project_with(make_context(), f"smtp://{user}{where}") as project:
        answer = project.post("/signup", {"email": address, "password": PASSWORD})
        assert error(answer) == (500, "unexpected_failure")
        assert "password" not in answer.text
        assert project.rows("select from auth.users where email = %s", address) == []
    assert mail_server.received == []


def test_real_mails_are_thirty_an_hour(make_context: Callable[..., Context], mail_server: MailServer) -> None:
    with project_with(make_context(), f"smtp://{mail_server.url}") as project:
        answers = [project.post("/otp", {"email": new_email()}).status_code for _ in range(31)]
    assert answers == [200] * 30 + [429]
