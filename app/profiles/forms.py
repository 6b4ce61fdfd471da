"""The forms about a profile, with the limits that the table's checks enforce as well."""

from __future__ import annotations

from urllib.parse import urlsplit

from wtforms import BooleanField, Field, HiddenField, StringField
from wtforms.validators import ValidationError

from app.profiles.store import Entry
from app.web.forms import Form, at_most, strip, usable_text

DISPLAY_NAME_MAX = 80
AVATAR_URL_MAX = 2048


def is_picture_address(text: str) -> bool:
    """Whether a text is an https URL that all parsers read alike: ASCII, a host, no user part."""
    if not text.isascii() or any(character in text for character in " \\<>\"'`^{|}"):
        return False
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - raises ValueError when it is not a number
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc


def picture_address(_form: object, field: Field) -> None:
    """Refuse what is not an https URL; an empty field means no picture."""
    if field.data and not is_picture_address(field.data):
        raise ValidationError("Enter the whole address of a picture, starting with https://")


class ProfileForm(Form):
    """The editable columns; ``version`` is that of the row when the form was rendered."""

    display_name = StringField(
        "Display name",
        description="How others see you. May stay empty.",
        filters=[strip],
        validators=[usable_text, at_most(DISPLAY_NAME_MAX)],
        render_kw={"autocomplete": "nickname", "maxlength": str(DISPLAY_NAME_MAX)},
    )
    avatar_url = StringField(
        "Address of your picture",
        description="Starts with https://. Visitors of your profile load it from there.",
        filters=[strip],
        validators=[usable_text, at_most(AVATAR_URL_MAX), picture_address],
        render_kw={
            "type": "url",
            "inputmode": "url",
            "autocomplete": "photo",
            "autocapitalize": "none",
            "spellcheck": "false",
            "maxlength": str(AVATAR_URL_MAX),
        },
    )
    is_public = BooleanField(
        "Show my profile to other people", description="They find it on the page People."
    )
    version = HiddenField()

    def entry(self) -> Entry:
        """Return the columns to store."""
        return Entry(self.text("display_name"), self.text("avatar_url"), bool(self.is_public.data))


class DeleteForm(Form):
    """No field; the submit is the confirmation."""
