"""A person with a browser and without JavaScript: follows links, fills in forms, presses buttons.

Everything that is sent comes from the page at hand: hidden fields, form tokens, the buttons' addresses.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urljoin, urlsplit

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.markup import Element, parse


@dataclass(frozen=True)
class Page:
    """One answer, after redirects."""

    url: str
    response: TestResponse

    @property
    def status(self) -> int:
        return self.response.status_code

    @cached_property
    def tree(self) -> Element:
        return parse(self.response.get_data(as_text=True))

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def title(self) -> str:
        return self.tree.find("title").text

    @property
    def heading(self) -> str:
        return self.tree.find("h1").text

    @property
    def main(self) -> str:
        return self.tree.find("main").text

    @property
    def messages(self) -> list[str]:
        return [box.text for box in self.tree.find_all("div") if "message" in box["class"].split()]

    @property
    def problems(self) -> list[str]:
        boxes = [box for box in self.tree.find_all("div") if box["class"] == "problems"]
        return [item.text for box in boxes for item in box.find_all("li")]

    def field(self, name: str) -> Element:
        return self.tree.find("main").find("input", name=name)


class Visitor:
    """One browser: cookies are kept from page to page by the client."""

    def __init__(self, client: FlaskClient, site_url: str) -> None:
        self.client = client
        self.site_url = site_url
        self.page: Page | None = None
        self.hops: list[TestResponse] = []

    def get(self, path: str, **headers: str) -> Page:
        """Open an address and follow redirects."""
        self.hops = []
        return self._arrive("GET", path, headers=headers)

    def press(self, button: str, **values: str | bool) -> Page:
        """Fill in the form that has this button, press it, and follow redirects."""
        assert self.page is not None
        found = [b for b in self.page.tree.find_all("button") if b.text == button and b["type"] != "button"]
        assert found, f"no button {button!r} on {self.page.url}: {self.page.main[:500]}"
        form = next(element for element in found[-1].ancestors() if element.tag == "form")
        action = found[-1]["formaction"] or form["action"]
        self.hops = []
        return self._arrive("POST", action, data=filled_in(form, found[-1], values))

    def follow(self, text: str) -> Page:
        """Follow the link with this text."""
        assert self.page is not None
        links = [a for a in self.page.tree.find_all("a") if a.text.startswith(text)]
        assert links, f"no link {text!r} on {self.page.url}"
        return self.get(links[0]["href"])

    def send(self, path: str, form: dict[str, str]) -> Page:
        """Send a form and follow redirects."""
        self.hops = []
        return self._arrive("POST", path, data=form)

    def post(self, path: str, **data: str) -> TestResponse:
        """Send a bare form, as a program would; no redirect is followed."""
        return self.client.post(path, base_url=self.site_url, data=data)

    def _arrive(self, method: str, path: str, **kwargs: object) -> Page:
        url = urljoin(self.page.url if self.page else self.site_url, path)
        for _ in range(6):
            parts = urlsplit(url)
            target = f"{parts.path}?{parts.query}" if parts.query else parts.path
            response = self.client.open(target, method=method, base_url=self.site_url, **kwargs)
            self.hops.append(response)
            if response.status_code not in (301, 302, 303, 307, 308):
                self.page = Page(url, response)
                return self.page
            url = urljoin(url, response.headers["Location"])
            if response.status_code not in (307, 308):  # these repeat the request as it was
                method, kwargs = "GET", {}
        raise AssertionError(f"redirects without end: {url}")


def filled_in(form: Element, button: Element, values: dict[str, str | bool]) -> dict[str, str]:
    """Return what a browser sends: the form's own values, then those typed, then the button's."""
    sent: dict[str, str] = {}
    for field in form.find_all("input"):
        if field["type"] == "checkbox" and not field.has("checked"):
            continue
        if field["name"]:
            sent[field["name"]] = field["value"] or ("y" if field["type"] == "checkbox" else "")
    for name, value in values.items():
        assert form.find_all("input", name=name), f"no field {name!r} in the form"
        if isinstance(value, str):
            sent[name] = value
        elif value:
            sent[name] = "y"
        else:
            sent.pop(name, None)
    if button["name"]:
        sent[button["name"]] = button["value"]
    return sent
