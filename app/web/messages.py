"""Flash messages: one table of every text that is shown once, at the top of the next page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from flask import flash


@dataclass(frozen=True, slots=True)
class Message:
    """A text and its category, which decides colour and ARIA role."""

    category: Literal["success", "notice", "error"]
    text: str


LOGGED_IN = Message("success", "You are logged in as {email}.")
ACCOUNT_MADE = Message("success", "Your account is ready, and you are logged in as {email}.")
ALREADY_LOGGED_IN = Message(
    "notice", "You are logged in as {email} already. To use another account, sign out first."
)
NOT_CONFIRMED = Message("notice", "This e-mail address is not confirmed yet.")
PROVED = Message("success", "You are logged in as {email}. Now choose a new password.")
CONFIRMED = Message("success", "Your e-mail address is confirmed, and you are logged in as {email}.")
HALF_CONFIRMED = Message("notice", "Confirmed. Now open the link in the mail to your other address as well.")
MAIL_SENT_AGAIN = Message("notice", "If a mail is due to this address, it is on its way again.")
SIGNED_OUT_EVERYWHERE = Message("notice", "All your other devices are signed out as well.")
SIGN_OUT_UNCONFIRMED = Message(
    "error",
    "The sign-in service did not answer, so it still counts this session as open. It ends by itself; to be "
    "sure, log in again later and choose “Sign out everywhere”.",
)
RESET_NEEDS_MAIL = Message("notice", "To set a new password, ask for a mail with a link first.")
PASSWORD_SET = Message("success", "Your new password is set. All your other devices were signed out.")
SESSION_ENDED = Message("success", "That device is signed out.")
SESSION_WAS_GONE = Message("notice", "You have no such session any more: there was nothing to sign out.")
OTHERS_SIGNED_OUT = Message("success", "All your other devices are signed out.")
DRAFT_RESTORED = Message(
    "notice", "What you had typed is back in the form. It is not saved yet: check it and send it again."
)
PROFILE_CREATED = Message("success", "Your profile is created.")
PROFILE_SAVED = Message("success", "Your profile is saved.")
PROFILE_DELETED = Message("success", "Your profile is deleted.")
PROFILE_WAS_GONE = Message("notice", "There was no profile to delete any more.")


def flash_message(message: Message, **values: str) -> None:
    """Show a message on the next page."""
    flash(message.text.format(**values), message.category)
