"""SMTP_URL: mails leave by a mail server, and a mail that cannot leave makes no token."""

from __future__ import annotations

import base64
import email
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import Message
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from signet_stack.context import Context
from tests.signet_stack.auth.conftest import PASSWORD, Project, TestClock, error, new_email, serve_project


class MailServer(socketserver.ThreadingTCPServer):
    """Speaks as much SMTP as one mail needs; keeps what it gets. With a certificate it offers STARTTLS."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.received: list[Message] = []
        self.logins: list[str] = []
        self.tls: ssl.SSLContext | None = None
        self.is_tls_from_the_start = False

    @property
    def url(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}?from=auth@example.com"


class Conversation(socketserver.StreamRequestHandler):
    """One connection (RFC 5321)."""

    server: MailServer

    def handle(self) -> None:
        with suppress(ssl.SSLError):  # the client does not trust us
            self._talk()
        self.request.close()

    def _talk(self) -> None:
        if self.server.is_tls_from_the_start:
            self._encrypt()
        self.wfile.write(b"220 ready\r\n")
        while line := self.rfile.readline():
            word = line.split()[0].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                self.server.received.append(email.message_from_bytes(self._message()))
            if word == b"AUTH":
                self.server.logins.append(base64.b64decode(line.split()[2]).decode())
            self.wfile.write(self._answer_to(word))
            if word == b"STARTTLS":
                self._encrypt()
            if word == b"QUIT":
                return

    def _answer_to(self, word: bytes) -> bytes:
        if word == b"EHLO":
            offer = b"" if self.server.tls is None or self._is_encrypted() else b"250-STARTTLS\r\n"
            return b"250-here\r\n" + offer + b"250 AUTH PLAIN\r\n"
        return {b"QUIT": b"221 bye\r\n", b"AUTH": b"235 ok\r\n", b"STARTTLS": b"220 go\r\n"}.get(
            word, b"250 ok\r\n"
        )

    def _is_encrypted(self) -> bool:
        return isinstance(self.request, ssl.SSLSocket)

    def _encrypt(self) -> None:
        assert self.server.tls is not None
        self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", 0)

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


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Return a file with the key and the certificate of a server at 127.0.0.1, which signed it itself."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now, address = datetime.now(UTC), x509.IPAddress(ip_address("127.0.0.1"))
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=True)
    plain = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file = tmp_path / "server.pem"
    file.write_bytes(key.private_bytes(*plain) + builder.sign(key, SHA256()).public_bytes(Encoding.PEM))
    return file


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
        assert (
            "SMTP_URL is set"
            in project.http.get("/mailbox/", headers={"apikey": project.context.api_keys.secret}).text
        )
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


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
@pytest.mark.parametrize("is_trusted", [True, False])
def test_a_password_goes_only_to_a_server_whose_certificate_is_trusted(
    make_context: Callable[..., Context],
    mail_server: MailServer,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    scheme: str,
    is_trusted: bool,
) -> None:
    mail_server.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    mail_server.tls.load_cert_chain(certificate)
    mail_server.is_tls_from_the_start = scheme == "smtps"
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with project_with(make_context(), f"{scheme}://name:pass%40word@{mail_server.url}") as project:
        answer = project.post("/signup", {"email": new_email(), "password": PASSWORD})
    assert answer.status_code == (200 if is_trusted else 500)
    assert mail_server.logins == (["\0name\0pass@word"] if is_trusted else [])
    assert len(mail_server.received) == is_trusted


def test_real_mails_are_thirty_an_hour(make_context: Callable[..., Context], mail_server: MailServer) -> None:
    with project_with(make_context(), f"smtp://{mail_server.url}") as project:
        answers = [project.post("/otp", {"email": new_email()}).status_code for _ in range(31)]
    assert answers == [200] * 30 + [429]
