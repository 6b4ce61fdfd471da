"""A small check of one page against WCAG 2.2 AA: what can be seen in the markup alone.

Colours are checked in tests/app/test_palette.py, focus and reflow in tests/browser.
"""

from __future__ import annotations

from itertools import pairwise

from tests.support.markup import Element

TYPED = frozenset({"text", "email", "password", "url", "tel", "search", "number", ""})


def faults(tree: Element) -> list[str]:
    """Return what is wrong with a page, in words; empty when nothing is."""
    ids = [element["id"] for element in tree.walk() if element.has("id")]
    found = [f"id {name!r} twice" for name in sorted(set(ids)) if ids.count(name) > 1]
    found += _document_faults(tree)
    for element in tree.walk():
        found += _reference_faults(element, set(ids)) + _name_faults(element, tree)
    return found


def _document_faults(tree: Element) -> list[str]:
    levels = [int(element.tag[1]) for element in tree.walk() if element.tag in ("h1", "h2", "h3", "h4")]
    checks = {
        "no language": tree.find("html")["lang"] == "en",
        "no title": tree.find("title").text.endswith("· Signet"),
        "not one h1": levels.count(1) == 1,
        "heading levels skipped": all(b - a <= 1 for a, b in pairwise(levels)),
        "no skip link": tree.find("a")["href"] == "#main",
        "not one main": len(tree.find_all("main")) == 1,
        "zoom is locked": "scalable=no" not in tree.find("meta", name="viewport")["content"],
    }
    return [fault for fault, is_right in checks.items() if not is_right]


def _reference_faults(element: Element, ids: set[str]) -> list[str]:
    names = ("aria-describedby", "aria-labelledby", "aria-controls", "for")
    pointed = [name for attribute in names for name in element[attribute].split()]
    if element.tag == "a" and element["href"].startswith("#"):
        pointed.append(element["href"][1:])
    return [f"<{element.tag}> points to {name!r}, which is not there" for name in pointed if name not in ids]


def _name_faults(element: Element, tree: Element) -> list[str]:
    found = []
    if element.tag in ("a", "button", "summary") and not (element.text or element["aria-label"]):
        found.append(f"<{element.tag}> without a name")
    if element.tag == "img" and not element.has("alt"):
        found.append("picture without alt")
    if element.has("tabindex") and element["tabindex"] not in ("0", "-1"):
        found.append("tabindex changes the order")
    if element.tag == "nav" and not element["aria-label"]:
        found.append("navigation without a label")
    if element.tag == "input" and element["type"] not in ("hidden", "submit") and not element.has("hidden"):
        if not [label for label in tree.find_all("label") if element["id"] and label["for"] == element["id"]]:
            found.append(f"field {element['name']!r} without a label")
        if element["type"] in TYPED and not element["autocomplete"]:
            found.append(f"field {element['name']!r} without a purpose")
    return found
