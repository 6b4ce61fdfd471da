"""Read a page strictly: a tree of elements, or an error that says where the markup is broken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}


@dataclass(slots=True)
class Element:
    """One element; ``children`` holds elements and texts in their order."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Element | str] = field(default_factory=list)
    parent: Element | None = field(default=None, repr=False)

    def __getitem__(self, name: str) -> str:
        return self.attributes.get(name, "")

    def has(self, name: str) -> bool:
        return name in self.attributes

    @property
    def text(self) -> str:
        """All text inside, with single blanks."""
        return " ".join("".join(self._texts()).split())

    def find_all(self, *tags: str, **attributes: str) -> list[Element]:
        """Return the elements inside, in order, with one of the tags and all of the attributes."""
        return [
            element
            for element in self.walk()
            if (not tags or element.tag in tags)
            and all(element[name.strip("_")] == value for name, value in attributes.items())
        ]

    def find(self, *tags: str, **attributes: str) -> Element:
        """Return the first such element; it must exist."""
        found = self.find_all(*tags, **attributes)
        assert found, f"no <{'|'.join(tags)}> with {attributes} in: {self.text[:500]}"
        return found[0]

    def walk(self) -> Iterator[Element]:
        for child in self.children:
            if isinstance(child, Element):
                yield child
                yield from child.walk()

    def ancestors(self) -> Iterator[Element]:
        element = self.parent
        while element is not None:
            yield element
            element = element.parent

    def _texts(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            else:
                yield from child._texts()
                yield " " if child.tag in ("p", "li", "div", "h1", "h2", "dt", "dd") else ""


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("#document")
        self._open = self.root

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"line {self.getpos()[0]}: <{tag}> has an attribute twice"
        element = Element(tag, {name: value or "" for name, value in attrs}, parent=self._open)
        self._open.children.append(element)
        if tag not in VOID:
            self._open = element

    def handle_endtag(self, tag: str) -> None:
        assert tag == self._open.tag, f"line {self.getpos()[0]}: </{tag}> closes <{self._open.tag}>"
        assert self._open.parent is not None
        self._open = self._open.parent

    def handle_data(self, data: str) -> None:
        self._open.children.append(data)

    def close(self) -> None:
        super().close()
        assert self._open is self.root, f"<{self._open.tag}> is never closed"


def parse(markup: str) -> Element:
    """Return the document of a page; raise AssertionError where elements are not nested as they should be."""
    builder = _Builder()
    builder.feed(markup)
    builder.close()
    return builder.root
