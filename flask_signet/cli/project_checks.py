"""Checks of `flask doctor`: one function for each thing that can be wrong; each yields its findings.

Nothing here changes the project, and no message contains a key, a token or a password.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx

from flask_signet.gatekeeper.settings import is_loopback, kind_of_api_key
from signet_db.errors import SignetError
from signet_stack.api_clients import AUTH_SETTINGS, ManagementApi

Level = Literal["ok", "warning", "failure", "skipped"]

SECONDS = 10.0
CHECK_URL = "check SUPABASE_URL"
SKEW_WARNED, SKEW_REFUSED = timedelta(seconds=5), timedelta(seconds=30)  # 30 s is the gatekeeper's leeway
# Auth sees one caller, the app, for all people: what it may do in five minutes.
LIMITS = {
    "rate_limit_token_refresh": (1800, "sign-ins and refreshes"),
    "rate_limit_verify": (360, "redeemed links and codes"),
    "rate_limit_otp": (360, "sign-ups and requests for mails"),
}
TEMPLATES = ("confirmation", "recovery", "magic_link", "invite", "email_change")
PROBE = "X-Signet-Doctor"
SEEN = "X-Signet-Seen"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check, with the next step where something should be done."""

    level: Level
    name: str
    message: str
    hint: str = ""


_ok = partial(Finding, "ok")
_warning = partial(Finding, "warning")
_failure = partial(Finding, "failure")
_skipped = partial(Finding, "skipped")


@dataclass(frozen=True, slots=True)
class Site:
    """The settings that are checked, and the ways to reach the project."""

    supabase_url: str
    publishable_key: str = field(repr=False)
    site_url: str
    is_local: bool
    management: ManagementApi | None
    database_url: str | None = field(repr=False)
    migrations: Path

    def get(self, path: str, *, with_key: bool = True) -> httpx.Response:
        """Send a GET to the project; raises httpx.HTTPError."""
        headers = {"apikey": self.publishable_key} if with_key else {}
        return httpx.get(
            f"{self.supabase_url}{path}", headers=headers, timeout=SECONDS, trust_env=not self.is_local
        )


def check_project(site: Site, now: datetime) -> Iterator[Finding]:
    """Check that the project answers as Supabase does, its clock, and the publishable key."""
    kind = kind_of_api_key(site.publishable_key)
    if kind == "secret":
        yield _failure(
            "key",
            "SUPABASE_PUBLISHABLE_KEY is a secret key, which bypasses row-level security",
            "use the publishable key, and replace the secret one if others have seen it",
        )
        return
    try:
        answer = site.get("/auth/v1/settings")
    except httpx.HTTPError as error:
        reason = str(error) or type(error).__name__
        yield _failure("project", f"{site.supabase_url} does not answer: {reason}", CHECK_URL)
        return
    if answer.status_code in (401, 403):
        yield _ok("project", f"{site.supabase_url} answers")
        yield _failure("key", "the project refuses the key", "copy the publishable key of this project")
        return
    if not answer.is_success or not _object(answer):
        kind_of_answer = answer.headers.get("Content-Type", "no content type").partition(";")[0]
        yield _failure(
            "project",
            f"{site.supabase_url} answers with status {answer.status_code} and {kind_of_answer}, not as Auth",
            "check SUPABASE_URL, and whether a proxy or a login page of the network answers instead",
        )
        return
    yield _ok("project", f"{site.supabase_url} answers")
    yield _ok("key", "the publishable key is accepted")
    yield from _clock(answer, now)
    yield from _ways_in(_object(answer))


def _clock(answer: httpx.Response, now: datetime) -> Iterator[Finding]:
    try:
        theirs = parsedate_to_datetime(answer.headers["Date"])
    except (KeyError, ValueError):
        yield _skipped("clock", "the answer has no date to compare with")
        return
    skew = abs(now - theirs) - timedelta(seconds=1)  # the header has whole seconds
    seconds = round(skew.total_seconds())
    if skew > SKEW_REFUSED:
        yield _failure("clock", f"{seconds} s off: tokens are refused", "set the clock")
    elif skew > SKEW_WARNED:
        yield _warning("clock", f"{seconds} s off", "synchronise the clock (NTP)")
    else:
        yield _ok("clock", "agrees with the project's")


def _ways_in(settings: Mapping[str, Any]) -> Iterator[Finding]:
    external = settings.get("external")
    ways = [name for name, is_on in external.items() if is_on] if isinstance(external, dict) else []
    sign_up = "closed" if settings.get("disable_signup") else "open"
    confirmation = "not asked for" if settings.get("mailer_autoconfirm") else "by mail"
    shown = ", ".join(ways) or "none"
    yield _ok("sign-in", f"ways: {shown}; sign-up {sign_up}, confirmation {confirmation}")


def check_keys(site: Site, now: datetime) -> Iterator[Finding]:
    """Check the published key set; with a management token also the states of the keys."""
    try:
        answer = site.get("/auth/v1/.well-known/jwks.json", with_key=False)
        keys = answer.raise_for_status().json()["keys"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        yield _failure("key set", f"cannot be fetched: {type(error).__name__}", CHECK_URL)
        return
    if not keys:
        yield _warning(
            "key set",
            "empty: the project signs with the legacy shared secret, and every page asks Auth",
            "flask keys create, after 20 minutes flask keys rotate; no session ends (docs/keys.md)",
        )
        return
    shown = ", ".join(f"{key.get('alg', '?')} {str(key.get('kid', '?'))[:8]}…" for key in keys)
    yield _ok("key set", f"{len(keys)} published: {shown}")
    if site.management is not None:
        yield from _key_states(site.management, now)


def _key_states(project: ManagementApi, now: datetime) -> Iterator[Finding]:
    try:
        keys = project.call("GET", f"{AUTH_SETTINGS}/signing-keys").get("keys", [])
    except SignetError as error:
        yield _warning("signing keys", error.message, error.hint)
        return
    states = {key["status"]: key for key in keys}
    in_use, standby = states.get("in_use"), states.get("standby")
    if in_use is None or in_use["algorithm"] == "HS256":
        yield _warning(
            "signing keys",
            "the legacy shared secret is in use",
            "flask keys create (docs/keys.md)",
        )
        return
    age = (now - datetime.fromisoformat(in_use["updated_at"])).days
    described = f"{in_use['algorithm']} {in_use['id'][:8]}… in use for {age} days"
    if standby is None:
        hint = "" if project.is_local else "flask keys create, so that a rotation needs no wait"
        level: Level = "ok" if project.is_local else "warning"
        yield Finding(level, "signing keys", f"{described}, none on standby", hint)
    else:
        yield _ok("signing keys", f"{described}, {standby['id'][:8]}… on standby")


def check_auth_settings(site: Site) -> Iterator[Finding]:
    """Check mail templates, allowed redirects and rate limits, which the management API shows."""
    if site.management is None:
        yield _skipped(
            "Auth settings",
            "mail templates, redirects and rate limits were not read",
            "set SUPABASE_ACCESS_TOKEN and SUPABASE_PROJECT_REF",
        )
        return
    try:
        settings = site.management.call("GET", AUTH_SETTINGS)
    except SignetError as error:
        yield _warning("Auth settings", error.message, error.hint)
        return
    yield _templates(settings)
    yield _redirects(site, settings)
    yield _rate_limits(settings, is_local=site.is_local)


def _templates(settings: Mapping[str, Any]) -> Finding:
    if "mail_links" in settings:  # the local stack
        own = set(TEMPLATES if settings["mail_links"] == "app" else ())
    else:
        texts = {name: str(settings.get(f"mailer_templates_{name}_content") or "") for name in TEMPLATES}
        own = {name for name, text in texts.items() if "TokenHash" in text}
    default = [name for name in TEMPLATES if name not in own]
    if not default:
        return _ok("mails", "every link leads to this app and works in any browser")
    return _ok(
        "mails",
        f"links lead to Auth first ({', '.join(default)}): they work in the browser that asked for the mail",
    )


def _redirects(site: Site, settings: Mapping[str, Any]) -> Finding:
    wanted = f"{site.site_url}/auth/confirm"
    allowed = [
        entry.strip() for entry in str(settings.get("uri_allow_list") or "").split(",") if entry.strip()
    ]
    own = str(settings.get("site_url") or "").rstrip("/")
    is_local = site.is_local and is_loopback(site.site_url)
    if is_local or own == site.site_url or any(allows(pattern, wanted) for pattern in allowed):
        return _ok("redirects", f"{wanted} is allowed")
    return _failure(
        "redirects",
        f"{wanted} is not allowed, so links in mails lead to {own or 'nowhere'}",
        f"set the project's Site URL to {site.site_url}, or allow {site.site_url}/**",
    )


def allows(pattern: str, url: str) -> bool:
    """Whether an entry of the redirect allow list matches: `*` stops at `.` and `/`, `**` does not."""
    parts = re.split(r"(\*\*|\*)", pattern)
    texts = {"**": ".*", "*": r"[^./]*"}
    return re.fullmatch("".join(texts.get(part) or re.escape(part) for part in parts), url) is not None


def low_limits(settings: Mapping[str, Any]) -> dict[str, int]:
    """Return the limits that are too low for a site that signs all people in, with values that fit."""
    return {
        name: wanted
        for name, (wanted, _) in LIMITS.items()
        if isinstance(settings.get(name), int | float) and settings[name] < wanted
    }


def _rate_limits(settings: Mapping[str, Any], *, is_local: bool) -> Finding:
    counted = bool(settings.get("rate_limit_header")) if is_local else True
    low = low_limits(settings)
    if not counted or not low:
        return _ok("rate limits", "Auth's limits fit an app that signs all people in")
    shown = ", ".join(f"{settings[name]} {LIMITS[name][1]}" for name in low)
    return _warning(
        "rate limits",
        f"in 5 minutes, for all people together: {shown}",
        "flask auth limits --raise",
    )


def check_cookies(site: Site) -> Iterator[Finding]:
    """Check which cookie attributes follow from SITE_URL."""
    parts = urlsplit(site.site_url)
    if parts.scheme == "https":
        yield _ok("cookies", f"{parts.hostname}: Secure, HttpOnly, SameSite=Lax, bound to the host")
    elif is_loopback(site.site_url):
        yield _ok("cookies", f"HttpOnly, SameSite=Lax, for {parts.netloc} (loopback)")
    else:
        yield _warning(
            "cookies",
            f"{site.site_url} is http: the network can read them",
            "serve by https",
        )


def check_proxies(site: Site, probe: str) -> Iterator[Finding]:
    """Ask the running site how a request arrives there; ``probe`` proves that we know its SECRET_KEY."""
    if is_loopback(site.site_url):
        yield _skipped("proxies", "SITE_URL is this machine; nothing is in between")
        return
    try:
        answer = httpx.get(f"{site.site_url}/healthz", headers={PROBE: probe}, timeout=SECONDS)
    except httpx.HTTPError as error:
        reason = str(error) or type(error).__name__
        yield _warning("proxies", f"{site.site_url} does not answer: {reason}", "start the site")
        return
    if (seen := answer.headers.get(SEEN)) is None:
        yield _warning(
            "proxies",
            f"{site.site_url} answers with status {answer.status_code}, and does not know this SECRET_KEY",
            "run this command with the site's own settings",
        )
        return
    address, _, origin = seen.partition(" ")
    if origin != site.site_url:
        yield _failure(
            "proxies",
            f"a request arrives as {origin} from {address}",
            "set TRUSTED_PROXIES to the number of proxies, and let them set X-Forwarded-Proto and -Host",
        )
    else:
        yield _ok("proxies", f"a request arrives as {origin} from {address}")


def check_database(site: Site) -> Iterator[Finding]:
    """Check that the database answers, its migrations, drift and the lint."""
    if site.database_url is None:
        yield _skipped("database", "migrations and policies were not checked", "set DATABASE_URL")
        return
    try:
        import psycopg  # noqa: F401

        from signet_db.lint import Level as RuleLevel
        from signet_db.runner import status
        from signet_db.verification import verify
    except ImportError:
        yield _failure("database", "psycopg is missing", 'pip install "flask-signet[db]"')
        return
    try:
        entries = status(site.database_url, site.migrations) if site.migrations.is_dir() else ()
        found = verify(site.database_url, site.migrations) if entries else None
    except SignetError as error:
        yield _failure("database", error.message, error.hint)
        return
    yield _ok("database", "answers")
    pending = sum(entry.record is None for entry in entries)
    if pending:
        yield _warning("migrations", f"{pending} pending", "flask db upgrade")
    else:
        yield _ok("migrations", f"{len(entries)} applied, none pending")
    if found is None:
        return
    if found.conflicts:
        yield _failure("history", f"{len(found.conflicts)} files and history differ", "flask db status")
    if found.drift:
        yield _warning("drift", f"{len(found.drift)} objects changed by hand", "flask db verify")
    errors = len(found.judgement.open(RuleLevel.ERROR))
    warnings = len(found.judgement.open(RuleLevel.WARNING))
    level: Level = "failure" if errors else "warning" if warnings else "ok"
    hint = "flask db lint" if errors or warnings else ""
    yield Finding(level, "policies", f"lint: {errors} errors, {warnings} warnings", hint)


def worst(findings: Sequence[Finding]) -> int:
    """Return the exit code: 0 nothing to do, 1 warnings, 2 failures."""
    levels = {finding.level for finding in findings}
    return 2 if "failure" in levels else 1 if "warning" in levels else 0


def _object(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        content = answer.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def utc_now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)
