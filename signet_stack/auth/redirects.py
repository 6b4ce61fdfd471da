"""Allowed redirect targets: the site itself, loopback, and what the allow list names.

Trust boundary: the target is the caller's word, and a token may travel with it. No match is silently replaced
by the site's address, as on the hosted service.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

_WEB_HOST = re.compile(r"[a-z0-9.-]+")
_DECIMAL_HOST = re.compile(r"[0-9.]*[0-9]|0x[0-9a-f]+")


def choose_target(wishes: Iterable[str], site_url: str, allow_list: str) -> str:
    """Return the first options that is allowed, else the site's address."""
    return next(
        (options for options in wishes if options and is_allowed(options, site_url, allow_list)), site_url
    )


def site_of(target: str, site_url: str) -> str:
    """Return the address of the app that a link's target belongs to.

    That is the site, but on loopback an app may answer on another port than the one that the stack was
    started with: a second `flask run`, or one whose port was taken.
    """
    parts, site = _split(target), _split(site_url)
    if parts is None or site is None or not (_is_on_loopback(parts) and _is_on_loopback(site)):
        return site_url.rstrip("/")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def is_allowed(target: str, site_url: str, allow_list: str) -> bool:
    """Whether a redirect may lead to the target."""
    parts = _split(target)
    if parts is None or any(ord(c) <= 32 or c == "\\" or ord(c) == 127 for c in target):
        return False
    site = _split(site_url)
    if site is not None and _is_same_place(parts, site):
        return True
    host = parts.hostname or ""
    if _is_ip(host):
        return parts.scheme in ("http", "https") and ip_address(host).is_loopback
    if _DECIMAL_HOST.fullmatch(host):
        return False
    if parts.scheme in ("http", "https") and not _WEB_HOST.fullmatch(host):
        return False
    plain = target.partition("#")[0]
    return any(_pattern(entry).fullmatch(plain) for entry in map(str.strip, allow_list.split(",")) if entry)


def _split(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address)
        return parts if parts.scheme and parts.port != 0 else None
    except ValueError:
        return None


def _is_same_place(target: SplitResult, site: SplitResult) -> bool:
    if target.scheme != site.scheme or target.hostname != site.hostname or target.username is not None:
        return False
    return target.port == site.port or _is_loopback_name(target.hostname or "")


def _is_loopback_name(host: str) -> bool:
    return host == "localhost" or (_is_ip(host) and ip_address(host).is_loopback)


def _is_on_loopback(address: SplitResult) -> bool:
    return address.scheme == "http" and _is_loopback_name(address.hostname or "")


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=256)
def _pattern(glob: str) -> re.Pattern[str]:
    """Turn an entry of the allow list into a pattern: `*` stops at `.` and `/`, `**` does not, `?` is one."""
    translated = ""
    for part in re.split(r"(\*\*|\*|\?)", glob):
        translated += {"**": ".*", "*": "[^./]*", "?": "[^./]"}.get(part, re.escape(part))
    return re.compile(translated)
