"""The front door and the probe: both answer whoever asks, and whatever is down behind."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.support.people import Person
from tests.support.site import SITE
from tests.support.visitor import Visitor


def test_the_home_page_says_what_this_is_and_the_way_in(lonely: Visitor) -> None:
    page = lonely.get("/")
    assert page.status == 200
    lines = [p.text for p in page.tree.find("main").find_all("p") if not p.find_all("a")]
    assert len(lines) == 3
    assert [a["href"] for a in page.tree.find("main").find_all("a")] == ["/login", "/signup"]
    assert "Set-Cookie" not in page.response.headers


def test_somebody_who_is_logged_in_sees_their_session_and_both_ways_out(person: Person) -> None:
    page = person.get("/")
    facts = {entry.find("dt").text: entry.find("dd").text for entry in page.tree.find("dl").find_all("div")}
    assert facts.keys() == {"Account", "Session", "Access token", "This check"}
    assert facts["Account"] == person.email
    assert len(facts["Session"]) == 36
    assert float(facts["This check"].split()[1]) < 1000
    buttons = {b.text: (b["name"], b["value"]) for b in page.tree.find_all("button")}
    assert buttons == {"Sign out": ("scope", "local"), "Sign out everywhere": ("scope", "global")}


def test_no_page_links_to_what_is_not_there(person: Person) -> None:
    waiting, seen = ["/", "/profile", "/people", "/profile/delete"], set()
    while waiting:
        path = waiting.pop()
        seen.add(path)
        page = person.get(path)
        assert page.status == 200, path
        found = {a["href"] for a in page.tree.find_all("a") if a["href"].startswith("/")}
        waiting += sorted(found - seen - set(waiting))


def test_the_probe_needs_nothing(lonely: Visitor) -> None:
    response = lonely.get("/healthz").response
    assert (response.status_code, response.json) == (200, {"status": "ok"})


def test_the_probe_tells_nothing_about_who_asks(client: FlaskClient, person: Person) -> None:
    assert (
        person.visitor.client.get("/healthz", base_url=SITE).data
        == client.get("/healthz", base_url=SITE).data
    )


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "localhost"])
def test_every_name_of_this_machine_is_answered_in_development(client: FlaskClient, host: str) -> None:
    assert client.get("/", base_url=f"http://{host}").status_code == 200
