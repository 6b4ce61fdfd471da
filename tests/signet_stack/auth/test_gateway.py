"""The front door: API keys, host names, cross-origin requests, limits per caller."""

from __future__ import annotations

import httpx
import pytest

from tests.signet_stack.auth.conftest import Project, error
from tests.signet_stack.auth.steps import signed


def test_without_an_api_key_nothing_but_open_paths_is_served(project: Project) -> None:
    for path in ("health", "settings", "user", ".well-known/openid-configuration"):
        answer = httpx.get(f"{project.origin}/auth/v1/{path}")
        assert answer.status_code == 401
        assert answer.json()["message"] == "No API key found in request"
        assert "error_code" not in answer.json()
        assert "x-sb-error-code" not in answer.headers
    for path in (".well-known/jwks.json", "verify", "authorize", "callback"):
        assert httpx.get(f"{project.origin}/auth/v1/{path}").status_code != 401
    assert httpx.get(f"{project.origin}/auth/v1/verifying").status_code == 401


def test_a_wrong_api_key_is_refused(project: Project) -> None:
    answer = project.get("/health", headers={"apikey": "sb_publishable_wrong"})
    assert (answer.status_code, answer.json()["message"]) == (401, "Invalid API key")
    token = project.sign_up()["access_token"]
    assert project.get("/health", headers={"apikey": token}).status_code == 401


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/storage/v1/object/list/avatars", 501, "The local stack has no Storage"),
        ("/realtime/v1/websocket", 501, "The local stack has no Realtime"),
        ("/functions/v1/hello", 501, "The local stack has no Edge Functions"),
        ("/graphql/v1", 501, "The local stack has no GraphQL"),
        ("/storages", 404, "The local stack serves nothing at /storages"),
    ],
)
def test_what_is_not_there_is_named(project: Project, path: str, status: int, words: str) -> None:
    headers = {"apikey": project.context.api_keys.publishable}
    answer = httpx.get(f"{project.origin}{path}", headers=headers)
    assert (answer.status_code, answer.json()["message"]) == (status, words)


def test_an_api_key_may_stand_in_the_query(project: Project) -> None:
    key = project.context.api_keys.publishable
    assert httpx.get(f"{project.origin}/auth/v1/health", params={"apikey": key}).status_code == 200


def test_the_secret_key_administers_and_not_from_a_browser(project: Project) -> None:
    secret = project.context.api_keys.secret
    headers = {"apikey": secret, "Authorization": f"Bearer {secret}"}
    assert project.get("/admin/users", headers=headers).status_code == 200
    headers["User-Agent"] = "Mozilla/5.0"
    assert project.get("/admin/users", headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:1", 200),
        ("127.0.0.1", 200),
        ("[::1]:54321", 200),
        ("LOCALHOST", 200),
        ("evil.example", 403),
        ("evil.example:54321", 403),
        ("127.0.0.1.evil.example", 403),
        ("localhost.evil.example", 403),
        ("localhost:x", 403),
        ("", 403),
    ],
)
@pytest.mark.parametrize("path", ["/auth/v1/health", "/mailbox/static/mailbox.css"])
def test_only_loopback_names_are_answered(project: Project, host: str, status: int, path: str) -> None:
    assert project.http.get(path, headers={"Host": host}).status_code == status


def test_pages_of_any_origin_may_call_auth_without_cookies(project: Project) -> None:
    headers = {
        "Origin": "https://app.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "apikey,content-type",
    }
    preflight = httpx.options(f"{project.origin}/auth/v1/token", headers=headers)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert preflight.headers["access-control-allow-headers"] == "apikey,content-type"
    assert "access-control-allow-credentials" not in preflight.headers
    answer = project.get("/health", headers={"Origin": "null"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-expose-headers"] == "X-Total-Count, Link, X-Supabase-Api-Version"


def test_no_page_of_another_origin_reads_mails_or_keys(project: Project) -> None:
    for path in ("/mailbox/api/mails", "/v1/projects/local/config/auth"):
        key = {"apikey": project.context.api_keys.secret}
        answer = project.http.get(path, headers={"Origin": "https://evil.example", **key})
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("path", "setting"),
    [
        ("/token", "rate_limit_token_refresh"),
        ("/verify", "rate_limit_verify"),
        ("/recover", "rate_limit_otp"),
        ("/resend", "rate_limit_otp"),
        ("/otp", "rate_limit_otp"),
        ("/magiclink", "rate_limit_otp"),
        ("/user", "rate_limit_otp"),
        ("/signup", "rate_limit_otp"),
    ],
)
def test_a_caller_named_by_a_header_has_a_burst_of_thirty(project: Project, path: str, setting: str) -> None:
    project.set(rate_limit_header="X-Client", **{setting: 30})
    first = {"X-Client": f"{path}, proxy"}
    assert [is_limited(project, path, first) for _ in range(31)] == [False] * 30 + [True]
    assert not is_limited(project, path, {"X-Client": f"other {path}"})
    assert not is_limited(project, path, {"X-Forwarded-For": path})
    project.clock.advance(10)
    assert [is_limited(project, path, first) for _ in range(2)] == [False, True]


def is_limited(project: Project, path: str, headers: dict[str, str]) -> bool:
    """Send a request that is refused for its content, unless it is refused for coming too often."""
    method, token = "POST", None
    if path == "/user":
        method, token = "PUT", signed(project, sub=project.sign_up()["user"]["id"])
    path = "/token?grant_type=password" if path == "/token" else path
    body = {"email": "no address", "password": "x" * 8}
    return error(project.call(method, path, token, json=body, headers=headers)) == (
        429,
        "over_request_rate_limit",
    )


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("PUT", "/user", (403, "bad_jwt")),
        ("POST", "/token?grant_type=magic", (400, "invalid_credentials")),
    ],
)
def test_what_is_refused_before_the_limit_is_not_counted(
    project: Project, method: str, path: str, expected: tuple[int, str]
) -> None:
    project.set(rate_limit_header="X-Client")
    headers = {"X-Client": f"{method} {path}"}
    answers = [project.call(method, path, json={}, headers=headers) for _ in range(31)]
    assert {error(answer) for answer in answers} == {expected}


def test_without_the_setting_nobody_is_limited(project: Project) -> None:
    headers = {"X-Client": "a"}
    assert 429 not in {project.post("/verify", {}, headers=headers).status_code for _ in range(40)}


def test_the_limit_header_may_be_x_forwarded_for(project: Project) -> None:
    """The server must not strip it: `rate_limit_header` accepts the name, so it must work."""
    project.set(rate_limit_header="X-Forwarded-For")
    body = {"email": "nobody@example.com", "password": "wrong password"}

    def attempt(address: str) -> int:
        headers = {"X-Forwarded-For": f"{address}, 10.0.0.1"}
        return project.post("/token?grant_type=password", body, headers=headers).status_code

    assert [attempt("192.0.2.1") for _ in range(31)] == [*[400] * 30, 429]
    assert attempt("192.0.2.2") == 400
