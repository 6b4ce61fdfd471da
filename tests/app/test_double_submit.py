"""Two equal submits of one browser: both get the first outcome, and the form's effect happens once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

import pytest
from flask import Flask
from werkzeug.test import Client, EnvironBuilder

from app.web.double_submit import REMEMBER_SECONDS, DoubleSubmit
from signet_stack.handle import RunningStack
from tests.support.cast import PASSWORD
from tests.support.mailbox import only_mail
from tests.support.markup import parse
from tests.support.patience import HANG_SECONDS
from tests.support.people import Person, new_email
from tests.support.site import SITE
from tests.support.visitor import Visitor, filled_in


class Counted:
    """A WSGI app that counts requests and waits for a sign before it answers."""

    def __init__(self, status: str) -> None:
        self.status, self.calls, self.go = status, 0, threading.Event()

    def __call__(self, environ: dict[str, object], start_response: Callable[..., object]) -> Iterable[bytes]:
        self.calls += 1
        self.go.wait(HANG_SECONDS)
        start_response(self.status, [("Set-Cookie", f"n={self.calls}")])
        return [b"done"]


def post(app: DoubleSubmit, data: dict[str, str], cookie: str = "a=1", path: str = "/x") -> tuple[str, str]:
    environ = EnvironBuilder(path, method="POST", data=data, headers={"Cookie": cookie}).get_environ()
    response = Client(app, use_cookies=False).open(environ)
    return response.status, response.headers["Set-Cookie"]


def test_a_second_submit_waits_for_the_first_and_gets_its_response() -> None:
    counted = Counted("303 SEE OTHER")
    app = DoubleSubmit(counted)
    answers: list[tuple[str, str]] = []
    threads = [threading.Thread(target=lambda: answers.append(post(app, {"a": "b"}))) for _ in range(3)]
    for thread in threads:
        thread.start()
    counted.go.set()
    for thread in threads:
        thread.join(HANG_SECONDS)
    assert answers == [("303 SEE OTHER", "n=1")] * 3
    assert counted.calls == 1


@pytest.mark.parametrize(
    ("status", "seconds", "calls"),
    [("303 SEE OTHER", 0, 1), ("303 SEE OTHER", REMEMBER_SECONDS, 2), ("503 BUSY", 0, 2), ("200 OK", 0, 2)],
    ids=["a redirect is remembered", "for a while", "a failure is not", "nor a page"],
)
def test_what_is_remembered(status: str, seconds: float, calls: int) -> None:
    now = [100.0]
    counted = Counted(status)
    counted.go.set()
    app = DoubleSubmit(counted, lambda: now[0])
    post(app, {"a": "b"})
    now[0] += seconds
    post(app, {"a": "b"})
    assert counted.calls == calls


def test_another_browser_form_or_page_is_served_on_its_own() -> None:
    counted = Counted("303 SEE OTHER")
    counted.go.set()
    app = DoubleSubmit(counted)
    post(app, {"a": "b"})
    post(app, {"a": "c"})
    post(app, {"a": "b"}, cookie="a=2")
    post(app, {"a": "b"}, path="/y")
    assert counted.calls == 4


def twice(
    app: Flask, visitor: Visitor, button: str, **values: str | bool
) -> list[tuple[int, str, list[str]]]:
    """Press a button twice before the first response arrives; return both outcomes."""
    assert visitor.page is not None
    found = [b for b in visitor.page.tree.find_all("button") if b.text == button][-1]
    form = next(element for element in found.ancestors() if element.tag == "form")
    data = filled_in(form, found, values)
    sent = "; ".join(f"{c.key}={c.value}" for c in visitor.client._cookies.values())  # type: ignore[union-attr]
    outcomes = []
    for _ in range(2):
        response = app.test_client(use_cookies=False).post(
            found["formaction"] or form["action"], base_url=SITE, data=data, headers={"Cookie": sent}
        )
        cookies = response.headers.getlist("Set-Cookie")
        outcomes.append((response.status_code, response.headers.get("Location", ""), cookies))
    return outcomes


def test_each_form_shows_its_first_outcome_once(
    app: Flask, person: Person, visitor: Visitor, stack: RunningStack
) -> None:
    email = new_email()
    visitor.get("/signup")
    sign_up = twice(app, visitor, "Sign up", email=email, password=PASSWORD)
    visitor.get("/auth/forgot")
    visitor.press("Send the mail", email=person.email)
    visitor.get(only_mail(stack, person.email).link)
    recovery = twice(app, visitor, "Go on")
    person.get("/profile")
    create = twice(app, person.visitor, "Create profile", display_name="Ada")
    person.get("/")
    sign_out = twice(app, person.visitor, "Sign out")
    for name, (first, second) in {
        "sign-up": sign_up,
        "recovery": recovery,
        "create": create,
        "sign-out": sign_out,
    }.items():
        assert first[0] == 303, (name, first)
        assert second == first, name
    assert recovery[0][1] == "/auth/reset"
    assert parse(app.test_client().get("/login", base_url=SITE).text).find("h1").text == "Log in"
