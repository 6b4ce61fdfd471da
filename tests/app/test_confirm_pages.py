"""Confirming an address: the mail, its link and its code, and every link that cannot work."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from flask import Flask

from signet_stack.handle import RunningStack
from tests.support.accessibility import faults
from tests.support.cast import PASSWORD
from tests.support.mailbox import mails_to, only_mail
from tests.support.people import new_email
from tests.support.project_settings import changed
from tests.support.visitor import Page, Visitor

CODE = "0e9f3f62-6a34-4a0b-9d54-0e6a53a4c6c1"


@pytest.fixture
def _confirmations(stack: RunningStack) -> Iterator[None]:
    """Have the project ask for confirmations."""
    with changed(stack, mailer_autoconfirm=False):
        yield


@pytest.fixture
def other(app: Flask, visitor: Visitor) -> Visitor:
    """Return somebody at another browser."""
    return Visitor(app.test_client(), visitor.site_url)


def ask_to_sign_up(visitor: Visitor, email: str) -> Page:
    visitor.get("/signup?next=/people")
    return visitor.press("Sign up", email=email, password=PASSWORD)


@pytest.mark.usefixtures("_confirmations")
def test_signing_up_ends_on_a_page_that_names_the_mail(visitor: Visitor, stack: RunningStack) -> None:
    email = new_email()
    page = ask_to_sign_up(visitor, email)
    assert (page.status, page.path, page.heading) == (200, "/auth/check-email", "Check your e-mail")
    assert email in page.main
    assert stack.mailbox_url in [link["href"] for link in page.tree.find("main").find_all("a")]
    assert faults(page.tree) == []
    assert visitor.get("/profile").path == "/login"


@pytest.mark.usefixtures("_confirmations")
def test_opening_the_link_uses_nothing_up_and_the_button_does(
    visitor: Visitor, other: Visitor, stack: RunningStack
) -> None:
    email = new_email()
    ask_to_sign_up(visitor, email)
    link = only_mail(stack, email).link
    for method in ("GET", "HEAD", "GET"):
        assert other.client.open(link, method=method, base_url=other.site_url).status_code == 200
    page = visitor.get(link)
    assert (page.heading, page.field("type")["value"]) == ("Confirm your e-mail address", "signup")
    assert faults(page.tree) == []
    page = visitor.press("Confirm and log in")
    assert (page.status, page.path) == (200, "/people")
    assert page.messages == [f"Done: Your e-mail address is confirmed, and you are logged in as {email}."]
    assert "token_hash" not in page.url


@pytest.mark.usefixtures("_confirmations")
def test_a_link_works_once_and_then_offers_the_next_step(
    visitor: Visitor, other: Visitor, stack: RunningStack
) -> None:
    email = new_email()
    ask_to_sign_up(visitor, email)
    link = only_mail(stack, email).link
    visitor.get(link)
    visitor.press("Confirm and log in")
    other.get(link)
    page = other.press("Confirm and log in")
    assert (page.status, page.heading) == (400, "This link has expired or was already used")
    assert {a["href"] for a in page.tree.find("main").find_all("a")} == {"/login"}
    assert page.tree.find("form", action="/auth/forgot").find_all("input", name="email")


@pytest.mark.usefixtures("_confirmations")
def test_the_way_back_may_be_written_out_in_full(visitor: Visitor, stack: RunningStack) -> None:
    email = new_email()
    ask_to_sign_up(visitor, email)
    link = only_mail(stack, email).link
    assert link.endswith(f"&next={quote('/auth/confirm?next=/people&for=signup', safe='')}")
    visitor.get(f"{link.partition('&next=')[0]}&next={visitor.site_url}/people")
    assert visitor.press("Confirm and log in").path == "/people"


@pytest.mark.usefixtures("_confirmations")
def test_the_code_of_the_mail_works_as_well(visitor: Visitor, stack: RunningStack) -> None:
    email = new_email()
    ask_to_sign_up(visitor, email)
    code = only_mail(stack, email).code
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    page = visitor.press("Use the code", code=wrong)
    assert (page.status, page.problems) == (422, ["This link or code has expired or was already used."])
    assert faults(page.tree) == []
    page = visitor.press("Use the code", code=f" {code[:3]} {code[3:]} ")
    assert f"you are logged in as {email}" in page.messages[0]
    assert page.path == "/people"


@pytest.mark.usefixtures("_confirmations")
@pytest.mark.parametrize("code", ["", "abc", "12345", "１２３４５６", "123456789012", "1" * 5000])  # noqa: RUF001
def test_what_is_no_code_is_said_at_the_field(visitor: Visitor, code: str) -> None:
    ask_to_sign_up(visitor, new_email())
    page = visitor.press("Use the code", code=code)
    assert page.status == 422
    assert page.field("code")["aria-invalid"] == "true"


@pytest.mark.usefixtures("_confirmations")
def test_a_known_and_a_new_address_get_the_same_page(
    app: Flask, visitor: Visitor, other: Visitor, stack: RunningStack
) -> None:
    """The known one is confirmed, so no mail goes to it; the one that is waiting gets the same page too."""
    known, fresh = new_email(), new_email()
    ask_to_sign_up(visitor, known)
    visitor.get(only_mail(stack, known).link)
    visitor.press("Confirm and log in")
    answers = []
    for email in (known, fresh, fresh):
        browser = Visitor(app.test_client(), visitor.site_url)
        page = ask_to_sign_up(browser, email)
        headers = {k: v for k, v in page.response.headers if k not in ("Server-Timing", "Content-Length")}
        text = page.response.text.replace(email, "")
        token = page.field("csrf_token")["value"]
        answers.append((page.status, headers.keys(), text.replace(token, "")))
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.usefixtures("_confirmations")
def test_logging_in_before_confirming_leads_to_the_mail(visitor: Visitor) -> None:
    email = new_email()
    ask_to_sign_up(visitor, email)
    visitor.get("/login")
    page = visitor.press("Log in", email=email, password=PASSWORD)
    assert page.path == "/auth/check-email"
    assert page.messages == ["Note: This e-mail address is not confirmed yet."]
    page = visitor.press("Send it again")
    assert page.messages == ["Note: If a mail is due to this address, it is on its way again."]


@pytest.mark.usefixtures("_confirmations")
def test_a_mail_that_is_sent_again_leads_to_the_same_page(visitor: Visitor, stack: RunningStack) -> None:
    email = new_email()
    with changed(stack, smtp_max_frequency=0):
        ask_to_sign_up(visitor, email)
        visitor.press("Send it again")
    newest, first = mails_to(stack, email)
    assert newest.link != first.link
    visitor.get(first.link)
    assert visitor.press("Confirm and log in").heading == "This link has expired or was already used"
    visitor.get(newest.link)
    assert visitor.press("Confirm and log in").path == "/people"


@pytest.mark.parametrize("path", ["/auth/check-email", "/auth/resend"])
def test_waiting_for_nothing_leads_to_the_log_in(visitor: Visitor, path: str) -> None:
    response = visitor.client.open(
        path, method="POST" if path.endswith("resend") else "GET", base_url=visitor.site_url
    )
    assert (response.status_code, response.headers["Location"]) == (303, "/login")


def test_the_rules_of_the_project_are_told_in_its_own_words(visitor: Visitor, stack: RunningStack) -> None:
    with changed(stack, password_min_length=12):
        visitor.get("/signup")
        page = visitor.press("Sign up", email=new_email(), password="x" * 11)
    assert (page.status, page.problems) == (422, ["Password should be at least 12 characters."])


@pytest.mark.parametrize(
    ("path", "heading"),
    [
        ("/auth/confirm", "This link is incomplete"),
        ("/auth/confirm?token_hash=short&type=email", "This link is incomplete"),
        ("/auth/confirm?code=0b1c2d", "This link is incomplete"),
        ("/?code=0b1c2d", "This link is incomplete"),
        (f"/auth/confirm?code={CODE}", "Ask for the mail from this browser"),
        (f"/auth/confirm?code={CODE}&for=signup", "Your address is confirmed"),
        (f"/auth/confirm?code={CODE}&for=recovery", "Ask for the mail from this browser"),
        (f"/auth/confirm?code={CODE}&for=<script>", "Ask for the mail from this browser"),
        ("/auth/confirm?fragment=link&for=signup", "Your address is confirmed"),
        ("/auth/confirm?fragment=link", "Ask for the mail from this browser"),
        ("/?error=access_denied&error_code=otp_expired", "This link has expired or was already used"),
        ("/auth/confirm?error_code=otp_expired", "This link has expired or was already used"),
    ],
)
def test_links_that_cannot_work_say_what_to_do(visitor: Visitor, path: str, heading: str) -> None:
    page = visitor.get(path)
    assert (page.status, page.heading) == (400, heading)
    assert faults(page.tree) == []
