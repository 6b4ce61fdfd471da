"""Parse the link of a mail into a redeemable token or a reason why it is not one.

Trust boundary: such a link is untrusted input. Nothing of it is shown, and only a token of the right shape
and a known type is sent to Auth.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from app.auth.auth_api import LinkKind

# Hex SHA-224, with a prefix when a PKCE client asked for the mail; room for longer digests to come.
TOKEN_HASH = re.compile(r"(?:pkce_)?[A-Za-z0-9_-]{16,200}")

# Auth's codes are UUIDs.
CODE = re.compile(r"[0-9a-fA-F-]{36}")

Trouble = Literal["expired", "late", "other_browser", "fragment", "incomplete"]
PURPOSES = ("signup", "recovery", "magiclink", "email_change")


@dataclass(frozen=True, slots=True)
class MailLink:
    """A link with a token that can be redeemed anywhere."""

    token_hash: str = field(repr=False)
    kind: LinkKind


@dataclass(frozen=True, slots=True)
class CodeLink:
    """A link with a code that only the browser that requested the mail can exchange."""

    code: str = field(repr=False)
    kind: str  # one of PURPOSES, empty if the link does not say


def read_link(parameters: Mapping[str, str]) -> MailLink | CodeLink | Trouble:
    """Return the link's token or code, or what is wrong with it.

    A hosted project's default mail templates lead through Auth, which appends `code`, or `error_code` when
    the token was used up by the first visitor of the link, often a mail scanner.
    """
    token_hash = parameters.get("token_hash", "")
    for kind in get_args(LinkKind):
        if kind == parameters.get("type") and TOKEN_HASH.fullmatch(token_hash):
            return MailLink(token_hash, kind)
    if "error" in parameters or "error_code" in parameters:
        return "expired"
    if CODE.fullmatch(code := parameters.get("code", "")):
        return CodeLink(code, purpose_of(parameters))
    return "fragment" if "fragment" in parameters else "incomplete"


def purpose_of(parameters: Mapping[str, str]) -> str:
    """Return what the mail was requested for, empty if the link does not say."""
    purpose = parameters.get("for", "")
    return purpose if purpose in PURPOSES else ""
