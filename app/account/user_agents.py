"""Browser and system in words, from a User-Agent: enough to tell one's own devices apart.

Trust: the text is what the device's owner, or a thief, chose to send. It helps to recognise a device and
proves nothing.
"""

from __future__ import annotations

UNKNOWN_BROWSER = "Unknown browser"

# The first that occurs counts. Browsers name those that they descend from, so descendants come first.
BROWSERS = (
    ("Edg", "Edge"),  # Edg/, EdgA/, EdgiOS/
    ("OPR/", "Opera"),
    ("OPT/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("YaBrowser/", "Yandex Browser"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("Ddg/", "DuckDuckGo"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "Mac or iPad"),  # an iPad calls itself a Mac, to be sent pages for a large screen
    ("Linux", "Linux"),
)


def device_words(user_agent: str) -> str:
    """Return what a person calls this browser: "Firefox on Linux", or as much of it as is known."""
    browser = _first(BROWSERS, user_agent) or UNKNOWN_BROWSER
    system = _first(SYSTEMS, user_agent)
    return f"{browser} on {system}" if system else browser


def _first(table: tuple[tuple[str, str], ...], text: str) -> str:
    return next((name for mark, name in table if mark in text), "")
