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

Trouble = Literal["expired", "default_template", "incomplete"]


@dataclass(frozen=True, slots=True)
class MailLink:
    """A link that can be redeemed."""

    token_hash: str = field(repr=False)
    kind: LinkKind


def read_link(parameters: Mapping[str, str]) -> MailLink | Trouble:
    """Return the link's token and type, or what is wrong with it.

    A hosted project's default mail templates send `code`, or `error_code` when the token was used up by
    the first visitor of the link, often a mail scanner.
    """
    token_hash = parameters.get("token_hash", "")
    for kind in get_args(LinkKind):
        if kind == parameters.get("type") and TOKEN_HASH.fullmatch(token_hash):
            return MailLink(token_hash, kind)
    if "error" in parameters or "error_code" in parameters:
        return "expired"
    return "default_template" if "code" in parameters or "fragment" in parameters else "incomplete"
