"""What all forms share: the token's words, refusals in place, and the status of a page that brings them back.

Trust boundary: everything in a form was typed by somebody, perhaps not into our page. A form answers in words
of ours for every field, keeps what was typed (never passwords), and never ends in a 500.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from flask import Response, make_response, render_template
from flask_wtf import FlaskForm
from wtforms import Field, ValidationError

from app.errors import AppError
from app.web.words import wait_words

STALE_FORM = (
    "This form was open for too long, or you signed in or out in another window. Nothing was saved: check it "
    "and send it again. If this comes back at once, allow cookies for this site."
)


class Form(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """A form that can say what is wrong with it."""

    # Which field a refusal is about, by the error's code; a code that is not here is about the whole form.
    field_of_code: ClassVar[Mapping[str, str]] = {}

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.refusal: AppError | None = None

    def text(self, name: str) -> str:
        """Return what was typed into a field; nothing typed is an empty text."""
        return self[name].data or ""

    def refuse(self, error: AppError) -> None:
        """Bring the form back with an error that a service answered."""
        self.refusal = error
        if error.code in self.field_of_code:
            field = self[self.field_of_code[error.code]]
            field.errors = [*field.errors, error.message]

    def problems(self) -> list[tuple[str, str]]:
        """Return what is wrong, each with the id of its field; the id is empty for the whole form."""
        found = [(field.id, str(text)) for field in self._own_fields() for text in field.errors[:1]]
        if self.csrf_token.errors:
            found.insert(0, ("", STALE_FORM))
        if self.refusal is not None and self.refusal.code not in self.field_of_code:
            found.insert(0, ("", self.refusal.message))
        return found

    @property
    def next_step(self) -> str:
        """What to do about the refusal."""
        if self.refusal is None:
            return ""
        return wait_words(self.refusal.retry_after) if self.refusal.retry_after else self.refusal.hint

    @property
    def status(self) -> int:
        """The HTTP status of the page that brings this form back; what was typed is never a 400."""
        if self.refusal is not None and self.refusal.status != 400:
            return self.refusal.status
        return 422 if self.problems() else 200

    def _own_fields(self) -> list[Field]:
        return [field for field in self if field.id != "csrf_token"]


def render_form(template: str, form: Form, **context: object) -> Response:
    """Render a page around a form with the status that its state calls for."""
    response = make_response(render_template(template, form=form, **context), form.status)
    if form.refusal is not None and form.refusal.retry_after:
        response.headers["Retry-After"] = str(form.refusal.retry_after)
    return response


def strip(text: str | None) -> str | None:
    """Remove blanks around a text that somebody typed."""
    return text.strip() if text else text


def usable_text(_form: object, field: Field) -> None:
    """Refuse control characters: no name or address needs one, and PostgreSQL stores no NUL."""
    if any(ord(character) < 32 or ord(character) == 127 for character in field.data or ""):
        raise ValidationError(f"{field.label.text} contains a character that cannot be used.")


def at_most(count: int) -> Callable[[object, Field], None]:
    """Return a validator that refuses more than so many characters, and says how many there are."""

    def check(_form: object, field: Field) -> None:
        length = len(field.data or "")
        if length > count:
            raise ValidationError(
                f"{field.label.text} must have at most {count} characters; this has {length}."
            )

    return check
