"""Mails with the links of hosted projects' default templates (`mail_links` = auth), and where they lead."""

from __future__ import annotations

from html import unescape
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from signet_stack.auth_settings import HOSTED_LIKE
from tests.signet_stack.auth.conftest import PASSWORD, Project, claims_of, error, new_email
from tests.signet_stack.auth.steps import PKCE, SITE, VERIFIER, exchange, fragment, query

TARGET = f"{SITE}/auth/confirm?next=%2Fprofile"


@pytest.fixture
def hosted(project: Project) -> Project:
    """Return the project with the settings of a new hosted one."""
    project.set(**HOSTED_LIKE)
    return project


def signed_up(project: Project, target: str = "", **extra: str) -> tuple[str, dict[str, str]]:
    email = new_email()
    params = {"redirect_to": target} if target else {}
    answer = project.post("/signup", {"email": email, "password": PASSWORD, **extra}, params=params)
    project.clock.advance(1)  # mails are listed by time
    assert answer.status_code == 200, answer.text
    return email, project.mails(email)[0]


def follow(project: Project, link: str) -> httpx.Response:
    """Open a link of a mail; its host is that of the stack's own address."""
    parts = urlsplit(link)
    return project.http.get(f"{parts.path}?{parts.query}")


def test_a_mail_has_a_link_to_auth_and_no_code(hosted: Project) -> None:
    _, mail = signed_up(hosted)
    parts = urlsplit(mail["link"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == "http://127.0.0.1:54321/auth/v1/verify"
    assert list(parse_qs(parts.query)) == ["token", "type", "redirect_to"]
    assert parts.query.endswith(f"&redirect_to={SITE}")
    assert mail["subject"] == "Confirm your email address"
    assert (mail["code"], mail["token_hash"]) == ("", "")
    assert mail["link"] in unescape(mail["html"])
    assert "code" not in mail["text"]


def test_a_link_signs_in_once(hosted: Project) -> None:
    email, mail = signed_up(hosted)
    first = follow(hosted, mail["link"])
    assert first.status_code == 303
    assert first.headers["sb-auth-session-id"]
    names = ("access_token", "expires_at", "expires_in", "refresh_token", "sb", "token_type", "type")
    assert tuple(sorted(fragment(first.headers["location"]))) == names
    claims = claims_of(fragment(first.headers["location"])["access_token"])
    assert (claims["email"], claims["amr"][0]["method"]) == (email, "otp")
    again = fragment(follow(hosted, mail["link"]).headers["location"])
    assert again["error_code"] == "otp_expired"


def test_a_link_of_a_pkce_flow_leads_to_a_code(hosted: Project) -> None:
    _, mail = signed_up(hosted, TARGET, **PKCE)
    assert "redirect_to=http%3A%2F%2F127.0.0.1%3A8000%2Fauth%2Fconfirm%3Fnext%3D%252Fprofile" in mail["link"]
    location = follow(hosted, mail["link"]).headers["location"]
    assert urlsplit(location).path == "/auth/confirm"
    assert query(location)["next"] == "/profile"
    session = exchange(hosted, query(location)["code"], VERIFIER).json()
    assert claims_of(session["access_token"])["amr"][0]["method"] == "email/signup"
    again = follow(hosted, mail["link"]).headers["location"]
    assert query(again)["error_code"] == fragment(again)["error_code"] == "otp_expired"


def test_a_flow_that_is_too_old_confirms_without_a_session(hosted: Project) -> None:
    email, mail = signed_up(hosted, TARGET, **PKCE)
    hosted.clock.advance(301)
    code = query(follow(hosted, mail["link"]).headers["location"])["code"]
    assert error(exchange(hosted, code, VERIFIER)) == (422, "flow_state_expired")
    assert hosted.sign_in(email)["user"]["email_confirmed_at"]


@pytest.mark.parametrize(
    ("path", "kind", "subject", "method"),
    [
        ("/recover", "recovery", "Reset your password", "recovery"),
        ("/otp", "magiclink", "Your sign-in link", "magiclink"),
    ],
)
def test_links_of_known_accounts(hosted: Project, path: str, kind: str, subject: str, method: str) -> None:
    email, mail = signed_up(hosted)
    follow(hosted, mail["link"])
    assert hosted.post(path, {"email": email, **PKCE}).json() == {}
    mail = hosted.mails(email)[0]
    assert (mail["subject"], parse_qs(urlsplit(mail["link"]).query)["type"]) == (subject, [kind])
    code = query(follow(hosted, mail["link"]).headers["location"])["code"]
    amr = claims_of(exchange(hosted, code, VERIFIER).json()["access_token"])["amr"]
    assert amr[0]["method"] == method


def test_a_magic_link_counts_from_the_click(hosted: Project) -> None:
    email, mail = signed_up(hosted)
    follow(hosted, mail["link"])
    hosted.post("/otp", {"email": email, **PKCE})
    hosted.clock.advance(400)
    code = query(follow(hosted, hosted.mails(email)[0]["link"]).headers["location"])["code"]
    assert exchange(hosted, code, VERIFIER).status_code == 200


def test_a_change_of_address_is_confirmed_by_both_links(hosted: Project) -> None:
    email, mail = signed_up(hosted)
    token = fragment(follow(hosted, mail["link"]).headers["location"])["access_token"]
    new = new_email()
    assert hosted.put("/user", {"email": new}, token).json()["new_email"] == new
    old_link, new_link = (hosted.mails(address)[0]["link"] for address in (email, new))
    assert hosted.mails(email)[0]["subject"] == "Confirm your new email address"
    assert "message" in fragment(follow(hosted, old_link).headers["location"])
    done = fragment(follow(hosted, new_link).headers["location"])
    assert done["type"] == "email_change"
    assert claims_of(done["access_token"])["email"] == new


def test_only_the_mail_of_a_reauthentication_shows_its_code(hosted: Project) -> None:
    email, mail = signed_up(hosted)
    token = fragment(follow(hosted, mail["link"]).headers["location"])["access_token"]
    assert hosted.get("/reauthenticate", token).json() == {}
    mail = hosted.mails(email)[0]
    assert mail["link"] == ""
    assert mail["subject"] == f"{mail['code']} is your verification code"
    assert mail["code"] in mail["text"]


def test_an_invitation_leads_to_auth(hosted: Project) -> None:
    email = new_email()
    hosted.admin("POST", "/invite", {"email": email})
    mail = hosted.mails(email)[0]
    assert mail["subject"] == "You've been invited"
    assert fragment(follow(hosted, mail["link"]).headers["location"])["type"] == "invite"
