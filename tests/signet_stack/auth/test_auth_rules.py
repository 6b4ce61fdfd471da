"""The pure rules of Auth: redirects, durations, addresses, limits, session validity, mails, mail servers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signet_stack.auth import mail_templates, redirects
from signet_stack.auth.errors import AuthError
from signet_stack.auth.mail_delivery import Smtp, SmtpUrlRefused, mailer_for
from signet_stack.auth.passwords import PasswordHashes
from signet_stack.auth.rate_limits import MAX_BUCKETS, Rate, RateLimits
from signet_stack.auth.sessions import Lifetime, Limits, is_superseded
from signet_stack.auth.users import checked_email
from signet_stack.auth_settings import parse_duration

SITE = "https://app.example"
ALLOWED = "https://*.preview.example/**, myapp://callback/?, https://exact.example/path"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("target", "is_allowed"),
    [
        ("https://app.example/any/path?x=1#y", True),
        ("https://app.example:8443/", False),
        ("http://app.example/", False),
        ("https://user@app.example/", False),
        ("https://app.example.evil.example/", False),
        ("http://127.0.0.1:9/x", True),
        ("http://[::1]:9/x", True),
        ("http://10.0.0.1/", False),
        ("http://2130706433/", False),
        ("http://0x7f000001/", False),
        ("javascript://127.0.0.1/%0aalert(1)", False),
        ("javascript:alert(1)", False),
        ("https://a.preview.example/deep/path", True),
        ("https://a.b.preview.example/deep", False),
        ("https://exact.example/path#fragment", True),
        ("https://exact.example/path/more", False),
        ("myapp://callback/x", True),
        ("myapp://callback/xy", False),
        ("//evil.example", False),
        ("/relative", False),
        ("https://app.example\\@evil.example/", False),
        ("https://app.example/\n", False),
        ("http://[", False),
        ("https://exämple.preview.example/x", False),
    ],
)
def test_where_a_redirect_may_lead(target: str, is_allowed: bool) -> None:
    assert redirects.is_allowed(target, SITE, ALLOWED) is is_allowed
    assert redirects.choose_target(["", target], SITE, ALLOWED) == (target if is_allowed else SITE)


def test_the_port_does_not_matter_on_loopback() -> None:
    assert redirects.is_allowed("http://localhost:3000/x", "http://localhost:8000", "")
    assert not redirects.is_allowed("http://localhost:3000/x", SITE, "")


@given(st.text(max_size=60))
def test_any_target_is_judged_without_raising(target: str) -> None:
    redirects.is_allowed(target, SITE, ALLOWED)


@pytest.mark.parametrize(
    ("text", "seconds"), [("24h", 86_400), ("1h30m", 5400), ("1.5s", 1.5), ("300ms", 0.3), ("0s", 0)]
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "24", "h", "-1h", "1 h", "1d", "9999999999h", "1h!", "٣h"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|292"):
        parse_duration(text)


@pytest.mark.parametrize("email", ["a@localhost", "A.b+c@Example.com", "x_y'z@a-b.co"])
def test_addresses(email: str) -> None:
    assert checked_email(email) == email.lower()


@pytest.mark.parametrize(
    "email",
    ["", "a", "@b", "a@", "a b@c", "a@b\n", "a@b,c@d", "a@-b", "ä@b.c", "a@b\0", "<a@b>", "a@b?bcc=c@d"],
)
def test_what_is_no_address(email: str) -> None:
    with pytest.raises(AuthError):
        checked_email(email)


def test_a_bucket_empties_at_once_and_fills_with_time() -> None:
    moments = [NOW]
    limits = RateLimits(lambda: moments[-1])
    rate = Rate(60, 60.0, burst=3)
    assert [limits.take("s", "a", rate) for _ in range(4)] == [True] * 3 + [False]
    assert limits.take("s", "b", rate)
    assert limits.take("other", "a", rate)
    moments.append(NOW + timedelta(seconds=2))
    assert [limits.take("s", "a", rate) for _ in range(3)] == [True, True, False]
    moments.append(NOW)  # a clock that was set back gives nothing
    assert not limits.take("s", "a", rate)


def test_buckets_are_bounded_and_the_longest_unused_goes() -> None:
    limits = RateLimits(lambda: NOW)
    rate = Rate(1, 60.0, burst=1)
    limits.take("s", "first", rate)
    for number in range(MAX_BUCKETS - 1):
        limits.take("s", str(number), rate)
    assert not limits.take("s", "first", rate)
    limits.take("s", "one more", rate)
    assert not limits.take("s", "first", rate)
    assert limits.take("s", "0", rate)


def test_a_newer_session_counts_only_while_it_is_valid() -> None:
    mine = Lifetime(NOW)
    newer = Lifetime(NOW + timedelta(seconds=10), not_after=NOW + timedelta(seconds=20))
    limits = Limits()
    assert is_superseded(mine, [newer], limits, NOW + timedelta(seconds=15))
    assert not is_superseded(mine, [newer], limits, NOW + timedelta(seconds=25))


def test_a_hash_of_another_kind_opens_nothing() -> None:
    hashes = PasswordHashes(4)
    for stored in (None, "", "plain", "$argon2id$v=19$m=1,t=1,p=1$YQ$YQ", hashes.make("other")):
        assert not hashes.matches("password", stored)
    assert hashes.matches("password", hashes.make("password"))


def test_links_of_mails_are_encoded() -> None:
    link = mail_templates.confirm_link("http://a:1", "pkce_x", "signup", "http://a:1/b?c=d&e=f")
    assert parse_qs(urlsplit(link).query) == {
        "token_hash": ["pkce_x"],
        "type": ["signup"],
        "next": ["/b?c=d&e=f"],
    }
    assert "next" not in mail_templates.confirm_link("http://a:1", "x", "signup", "http://a:1/")
    assert "next=http" in mail_templates.confirm_link("http://a:1", "x", "signup", "http://a:10/")


@pytest.mark.parametrize(
    ("site", "target", "leads_to"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8001/b", "http://127.0.0.1:8001"),
        ("http://127.0.0.1:8000", "http://localhost:8001/b", "http://localhost:8001"),
        ("http://127.0.0.1:8000", "http://[::1]:8001/b", "http://[::1]:8001"),
        ("http://127.0.0.1:8000", "http://who@127.0.0.1:8001/b", "http://127.0.0.1:8001"),
        ("http://127.0.0.1:8000", "https://a.example/b", "http://127.0.0.1:8000"),
        ("http://127.0.0.1:8000", "http://127.0.0.1.a.example/b", "http://127.0.0.1:8000"),
        ("https://a.example", "http://127.0.0.1:8001/b", "https://a.example"),
    ],
)
def test_a_link_leads_to_the_app_that_asked_for_the_mail(site: str, target: str, leads_to: str) -> None:
    """On loopback only: a second `flask run` has a port of its own."""
    link = mail_templates.confirm_link(site, "x", "signup", target)
    assert link.startswith(f"{leads_to}/auth/confirm?token_hash=x")


@pytest.mark.parametrize("kind", mail_templates.WORDS)
def test_every_mail_has_link_and_code_in_both_forms(kind: str) -> None:
    mail = mail_templates.compose(
        kind,
        "a@b.c",
        link='http://x/"<',
        code="123456",
        token_hash="h",
        life_seconds=600,
        change=("{old}@b.c", "n<w@b.c"),
    )
    assert "123456" in mail.text
    assert "123456" in mail.html
    assert 'http://x/"<' in mail.text
    assert "http://x/&quot;&lt;" in mail.html
    assert "10 minutes" in mail.text
    assert "123456" not in repr(mail)
    if kind == "email_change":
        assert "move from {old}@b.c to n<w@b.c." in mail.text
        assert "move from {old}@b.c to n&lt;w@b.c." in mail.html


@pytest.mark.parametrize(
    ("url", "host", "port", "is_tls", "user"),
    [
        ("smtp://u%40x:p@mail.example?from=a@b.c", "mail.example", 587, False, "u@x"),
        ("smtps://mail.example?from=a@b.c", "mail.example", 465, True, ""),
        ("smtp://mail.example:25?from=a@b.c", "mail.example", 25, False, ""),
    ],
)
def test_mail_servers(url: str, host: str, port: int, is_tls: bool, user: str) -> None:
    mailer = mailer_for(url)
    assert isinstance(mailer, Smtp)
    assert (mailer.host, mailer.port, mailer.is_tls, mailer.user) == (host, port, is_tls, user)
    assert mailer.sender == "a@b.c"


@pytest.mark.parametrize(
    "url",
    ["mail.example", "http://x?from=a@b", "smtp://x", "smtp://x:y?from=a@b", "smtp://x?from=a@b%0ABcc:c@d"],
)
def test_what_is_no_mail_server(url: str) -> None:
    with pytest.raises(SmtpUrlRefused, match="expected smtp://USER"):
        mailer_for(url)


@pytest.mark.parametrize("password", ["secret#word", "secret/word", "secret?word", "secretﬀ:℀word"])
def test_a_mail_servers_password_is_not_repeated(password: str) -> None:
    with pytest.raises(SmtpUrlRefused) as caught:
        mailer_for(f"smtp://user:{password}@mail.example?from=a@b.c")
    assert "secret" not in str(caught.value)
