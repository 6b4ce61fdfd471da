"""The mailbox: pages and JSON of what was mailed."""

from __future__ import annotations

import httpx
import pytest

from tests.signet_stack.auth.conftest import Project, new_email
from tests.support.markup import parse


@pytest.fixture
def mail(project: Project) -> dict[str, str]:
    """Return a mail that was just sent."""
    email = new_email()
    project.sign_up(email)
    project.post("/recover", {"email": email})
    return dict(project.mails(email)[0])


def test_the_list_leads_to_the_mail_and_the_mail_to_its_link(project: Project, mail: dict[str, str]) -> None:
    page = parse(project.http.get("/mailbox/", params={"to": mail["to"].upper()}).text)
    (entry,) = page.find("ol").find_all("li")
    assert entry.find("a").text == mail["subject"]
    assert "just now" in entry.text
    shown = parse(project.http.get(entry.find("a")["href"]).text)
    assert shown.find("h1").text == mail["subject"]
    assert [a["href"] for a in shown.find_all("a") if a.text == "Open link"] == [mail["link"]]
    assert shown.find("code").text == mail["code"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (59, "just now"),
        (119, "1 minute ago"),
        (7199, "1 hour ago"),
        (86_400 * 3, "3 days ago"),
        (-5, "just now"),
    ],
)
def test_a_mail_says_how_old_it_is(project: Project, mail: dict[str, str], seconds: int, words: str) -> None:
    project.clock.advance(seconds)
    assert words in parse(project.http.get(f"/mailbox/{mail['id']}").text).find("main").text


def test_an_empty_mailbox_says_what_would_come(project: Project) -> None:
    page = parse(project.http.get("/mailbox/", params={"to": new_email()}).text)
    assert "No mail yet" in page.find("main").text


def test_the_mails_html_runs_nothing(project: Project, mail: dict[str, str]) -> None:
    answer = project.http.get(f"/mailbox/{mail['id']}/html")
    policy = answer.headers["content-security-policy"]
    assert "sandbox allow-popups allow-popups-to-escape-sandbox;" in policy
    frame = parse(project.http.get(f"/mailbox/{mail['id']}").text).find("iframe")
    assert f"sandbox {frame['sandbox']};" in policy
    assert parse(answer.text).find("a")["target"] == "_blank"  # an app's page appears in no frame
    assert mail["link"].replace("&", "&amp;") in answer.text


def test_one_mail_as_json(project: Project, mail: dict[str, str]) -> None:
    assert project.http.get(f"/mailbox/api/mails/{mail['id']}").json() == mail
    of_kind = project.http.get("/mailbox/api/mails", params={"to": mail["to"], "kind": "recovery"}).json()
    assert of_kind["mails"] == [mail]
    other = project.http.get("/mailbox/api/mails", params={"to": mail["to"], "kind": "signup"}).json()
    assert other["mails"] == []


def test_a_mail_that_is_gone_is_a_page_with_the_way_back(project: Project) -> None:
    for path in ("00000000-0000-4000-8000-000000000000", "nothing"):
        answer = project.http.get(f"/mailbox/{path}")
        assert answer.status_code == 404
        assert "Show all mails" in answer.text


@pytest.mark.parametrize(
    ("headers", "is_cleared"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "null"}, False),
    ],
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/mailbox/clear"), ("DELETE", "/mailbox/api/mails")])
def test_only_our_own_page_throws_mails_away(
    project: Project, mail: dict[str, str], method: str, path: str, headers: dict[str, str], is_cleared: bool
) -> None:
    answer = httpx.request(method, project.origin + path, headers=headers)
    assert answer.status_code in ((303, 204) if is_cleared else (403,))
    assert (project.mails(mail["to"]) == []) is is_cleared


def test_every_page_is_protected(project: Project, mail: dict[str, str]) -> None:
    for path in ("", mail["id"], f"{mail['id']}/html", "nothing", "api/mails", "static/mailbox.css"):
        headers = project.http.get(f"/mailbox/{path}").headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
    assert project.http.get("/mailbox/").headers["cache-control"] == "no-store"


def test_only_the_newest_thousand_are_kept(project: Project) -> None:
    project.rows(
        "insert into signet_stack.mails"
        " select gen_random_uuid(), %s, 'old@b.c', 'signup', '', '', '', '', '', ''"
        " from generate_series(1, 1005)",
        project.clock(),
    )
    project.clock.advance(1)
    email = new_email()
    project.sign_up(email)
    project.post("/recover", {"email": email})
    assert project.rows("select count(*) from signet_stack.mails") == [(1000,)]
    assert len(project.mails(email)) == 1
