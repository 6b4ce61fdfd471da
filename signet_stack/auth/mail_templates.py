"""Mail templates: texts and HTML, each with its link and its code.

Pure. Links lead to the app's own page, which redeems the token at the press of a button, because mail
scanners open links too; or, by the setting `mail_links`, to Auth's own GET /verify, as in hosted projects'
default templates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from html import escape
from urllib.parse import quote, urlencode

from signet_stack.auth.redirects import site_of

CONFIRM_PATH = "/auth/confirm"
VERIFY_PATH = "/auth/v1/verify"


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one kind of mail; ``lead`` may name the addresses of a change as {old} and {new}."""

    subject: str
    lead: str
    button: str
    ignore: str


_NOT_YOU = "If that was not you, ignore this mail: nothing happens without the link or the code."
WORDS: Mapping[str, Words] = {
    "signup": Words(
        "Confirm your e-mail address",
        "Welcome. Confirm that this address is yours, and your account is ready.",
        "Confirm address",
        _NOT_YOU,
    ),
    "invite": Words(
        "You are invited",
        "Somebody made an account for you. Accept the invitation to set a password and sign in.",
        "Accept invitation",
        "If you do not know what this is about, ignore this mail.",
    ),
    "magiclink": Words(
        "Your link to sign in", "You asked to sign in without a password.", "Sign in", _NOT_YOU
    ),
    "recovery": Words(
        "Set a new password", "You asked to set a new password.", "Set a new password", _NOT_YOU
    ),
    "email_change": Words(
        "Confirm your new e-mail address",
        "Your account is about to move from {old} to {new}. Confirm the change from here.",
        "Confirm change",
        "If that was not you, do not confirm it, and set a new password.",
    ),
    "reauthentication": Words(
        "Your code",
        "Enter this code to confirm that it is you who changes the password.",
        "",
        "If that was not you, somebody else is signed in as you: set a new password.",
    ),
}


# The subjects of hosted projects' default templates.
DEFAULT_SUBJECTS: Mapping[str, str] = {
    "signup": "Confirm your email address",
    "invite": "You've been invited",
    "recovery": "Reset your password",
    "magiclink": "Your sign-in link",
    "email_change": "Confirm your new email address",
    "reauthentication": "{code} is your verification code",
}
# Subject and words of notices, the subjects as on hosted projects.
NOTICES: Mapping[str, tuple[str, str]] = {
    "password_changed": ("Your password was changed", "The password of your account was changed."),
    "email_changed": (
        "Your email address was changed",
        "The address of your account was changed from {old} to {new}.",
    ),
    "identity_linked": (
        "A new sign-in method was linked to your account",
        "You can now sign in with {provider} ({email}), too.",
    ),
    "identity_unlinked": (
        "A sign-in method was removed from your account",
        "Signing in with {provider} ({email}) is no longer possible.",
    ),
    "mfa_factor_enrolled": (
        "A new verification method was added to your account",
        "Two-step login ({factor_type}) was set up for your account.",
    ),
    "mfa_factor_unenrolled": (
        "A verification method was removed from your account",
        "Two-step login ({factor_type}) was removed from your account.",
    ),
}


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail, ready to be sent. Link and code are credentials: each opens the account."""

    kind: str
    recipient: str
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)
    link: str = field(default="", repr=False)
    code: str = field(default="", repr=False)
    token_hash: str = field(default="", repr=False)


def confirm_link(site_url: str, token_hash: str, verification_type: str, target: str) -> str:
    """Return the address of the app's page that redeems a token and then goes to ``target``."""
    parameters = {"token_hash": token_hash, "type": verification_type}
    site = site_of(target, site_url)
    if target.rstrip("/") != site:
        parameters["next"] = target.removeprefix(site) if target.startswith(f"{site}/") else target
    return f"{site}{CONFIRM_PATH}?{urlencode(parameters, quote_via=quote)}"


def verify_link(api_url: str, token_hash: str, verification_type: str, target: str) -> str:
    """Return the address of Auth's own GET /verify, as hosted projects' default templates have it.

    The target stays raw unless it contains `&`, `=` or `#`.
    """
    escaped = quote(target, safe="") if any(c in target for c in "&=#") else target
    return f"{api_url}{VERIFY_PATH}?token={token_hash}&type={verification_type}&redirect_to={escaped}"


def compose_default(kind: str, recipient: str, *, link: str, code: str, change: tuple[str, str]) -> Mail:
    """Return the mail of a kind as a hosted project's default template has it: a link and no code.

    Only the mail of a re-authentication shows the code, in subject and body.
    """
    words = WORDS[kind]
    subject = DEFAULT_SUBJECTS[kind].format(code=code)
    lead = words.lead.format(old=change[0], new=change[1])
    shown = f"{words.button}:\n{link}" if link else f"Enter this code: {code}"
    ignore = words.ignore.replace("the link or the code", "the link")
    text = "\n\n".join((lead, shown, ignore))
    anchor = f'<a href="{escape(link)}" target="_blank">{escape(words.button)}</a>'
    action = anchor if link else f"Enter this code: {escape(code)}"
    html = _page(subject, (escape(lead), action, escape(ignore)))
    return Mail(kind, recipient, subject, text + "\n", html, link, "" if link else code)


def notice(kind: str, recipient: str, values: Mapping[str, str]) -> Mail:
    """Return the notice of a change; ``values`` are named in its words."""
    subject, lead = NOTICES[kind]
    lines = (lead.format(**values), "If that was not you, set a new password now.")
    html = _page(subject, tuple(map(escape, lines)))
    return Mail(kind, recipient, subject, "\n\n".join(lines) + "\n", html)


def _page(subject: str, paragraphs: Iterable[str]) -> str:
    shown = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(subject)}</title>'
        f"<h1>{escape(subject)}</h1>{shown}</html>\n"
    )


def compose(
    kind: str,
    recipient: str,
    *,
    link: str,
    code: str,
    token_hash: str,
    life_seconds: int,
    change: tuple[str, str] = ("", ""),
) -> Mail:
    """Return the mail of a kind; ``change`` is the old and the new address of an account that moves."""
    words, life = WORDS[kind], _in_words(life_seconds)
    words = replace(words, lead=words.lead.format(old=change[0], new=change[1]))
    text = "\n\n".join(
        part
        for part in (
            words.lead,
            f"{words.button}:\n{link}" if link else "",
            f"{'Or enter' if link else 'Enter'} this code: {code}",
            f"Both work once, within {life}." if link else f"It works once, within {life}.",
            words.ignore,
        )
        if part
    )
    return Mail(
        kind, recipient, words.subject, text + "\n", _html(words, link, code, life), link, code, token_hash
    )


def _html(words: Words, link: str, code: str, life: str) -> str:
    # In a window of its own: the mailbox shows this in a frame, where the app's page may not appear.
    button = f'<p><a href="{escape(link)}" target="_blank">{escape(words.button)}</a></p>' if link else ""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(words.subject)}</title>'
        f"<h1>{escape(words.subject)}</h1><p>{escape(words.lead)}</p>{button}"
        f"<p>{'Or enter' if link else 'Enter'} this code: <strong>{escape(code)}</strong></p>"
        f"<p>{'Both work' if link else 'It works'} once, within {escape(life)}.</p>"
        f"<p>{escape(words.ignore)}</p></html>\n"
    )


def _in_words(seconds: int) -> str:
    for size, unit in ((3600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size and seconds % size == 0:
            count = seconds // size
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{seconds} seconds"
