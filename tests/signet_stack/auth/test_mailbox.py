"""The mailbox: pages and JSON of what was mailed."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from signet_stack.process.running import mailbox_token
from tests.signet_stack.auth.conftest import Project, new_email
from tests.support.markup import parse


@pytest.fixture
def reader(project: Project) -> Iterator[httpx.Client]:
    """Return a browser that has opened the printed address once, and has no API key."""
    with httpx.Client(base_url=project.origin, follow_redirects=True) as client:
        assert (
            client.get(f"/mailbox/?token={mailbox_token(project.context.api_keys.secret)}").status_code == 200
        )
        yield client


@pytest.fixture
def mail(project: Project) -> dict[str, str]:
    """Return a mail that was just sent."""
    email = new_email()
    project.sign_up(email)
    project.post("/recover", {"email": email})
    return dict(project.mails(email)[0])


def test_the_list_leads_to_the_mail_and_the_mail_to_its_link(
    project: Project, reader: httpx.Client, mail: dict[str, str]
) -> None:
    page = parse(reader.get("/mailbox/", params={"to": mail["to"].upper()}).text)
    (entry,) = page.find("ol").find_all("li")
    assert entry.find("a").text == mail["subject"]
    assert "just now" in entry.text
    shown = parse(reader.get(entry.find("a")["href"]).text)
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
def test_a_mail_says_how_old_it_is(
    project: Project, reader: httpx.Client, mail: dict[str, str], seconds: int, words: str
) -> None:
    project.clock.advance(seconds)
    assert words in parse(reader.get(f"/mailbox/{mail['id']}").text).find("main").text


def test_an_empty_mailbox_says_what_would_come(reader: httpx.Client) -> None:
    page = parse(reader.get("/mailbox/", params={"to": new_email()}).text)
    assert "No mail yet" in page.find("main").text


def test_the_mails_html_runs_nothing(project: Project, reader: httpx.Client, mail: dict[str, str]) -> None:
    answer = reader.get(f"/mailbox/{mail['id']}/html")
    policy = answer.headers["content-security-policy"]
    assert "sandbox allow-popups allow-popups-to-escape-sandbox;" in policy
    frame = parse(reader.get(f"/mailbox/{mail['id']}").text).find("iframe")
    assert f"sandbox {frame['sandbox']};" in policy
    assert parse(answer.text).find("a")["target"] == "_blank"  # an app's page appears in no frame
    assert mail["link"].replace("&", "&amp;") in answer.text


def test_one_mail_as_json(project: Project, reader: httpx.Client, mail: dict[str, str]) -> None:
    assert reader.get(f"/mailbox/api/mails/{mail['id']}").json() == mail
    of_kind = reader.get("/mailbox/api/mails", params={"to": mail["to"], "kind": "recovery"}).json()
    assert of_kind["mails"] == [mail]
    other = reader.get("/mailbox/api/mails", params={"to": mail["to"], "kind": "signup"}).json()
    assert other["mails"] == []


def test_a_mail_that_is_gone_is_a_page_with_the_way_back(reader: httpx.Client) -> None:
    for path in ("00000000-0000-4000-8000-000000000000", "nothing"):
        answer = reader.get(f"/mailbox/{path}")
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
    project: Project,
    reader: httpx.Client,
    mail: dict[str, str],
    method: str,
    path: str,
    headers: dict[str, str],
    is_cleared: bool,
) -> None:
    answer = reader.request(method, path, headers=headers, follow_redirects=False)
    assert answer.status_code in ((303, 204) if is_cleared else (403,))
    assert (project.mails(mail["to"]) == []) is is_cleared


def test_every_page_is_protected(project: Project, reader: httpx.Client, mail: dict[str, str]) -> None:
    for path in ("", mail["id"], f"{mail['id']}/html", "nothing", "api/mails", "static/mailbox.css"):
        headers = reader.get(f"/mailbox/{path}").headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
    assert reader.get("/mailbox/").headers["cache-control"] == "no-store"


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


PAGES = (
    "/mailbox/",
    "/mailbox/api/mails",
    "/mailbox/00000000-0000-4000-8000-000000000000",
    "/mailbox/nothing",
)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("with_key", [True, False])
def test_without_the_token_nothing_is_read(project: Project, path: str, with_key: bool) -> None:
    """Other accounts of the machine reach loopback, and the publishable key is public."""
    headers = {"apikey": project.context.api_keys.publishable} if with_key else {}
    for query in ("", "?token=", "?token=wrong"):
        answer = httpx.get(project.origin + path + query, headers=headers)
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers
        hint = "secret API key" if "/api/" in path else "flask local status"
        assert hint in answer.text


def test_mails_are_not_thrown_away_without_the_token(project: Project, mail: dict[str, str]) -> None:
    assert httpx.post(f"{project.origin}/mailbox/clear").status_code == 401
    assert httpx.delete(f"{project.origin}/mailbox/api/mails").status_code == 401
    assert project.mails(mail["to"]) == [mail]


def test_the_token_leaves_the_address_and_stays_as_a_cookie(project: Project) -> None:
    token = mailbox_token(project.context.api_keys.secret)
    answer = httpx.get(f"{project.origin}/mailbox/?to=a%26b&token={token}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/mailbox/?to=a%26b")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("signet-mailbox-54321=")
    for attribute in ("HttpOnly", "SameSite=Lax", "Path=/mailbox"):
        assert attribute in cookie


def test_programs_read_with_the_secret_key(project: Project, mail: dict[str, str]) -> None:
    key = {"apikey": project.context.api_keys.secret}
    answer = httpx.get(f"{project.origin}/mailbox/api/mails/{mail['id']}", headers=key)
    assert answer.json() == mail
