"""What a migration run is doing, told on stderr while it works."""

from __future__ import annotations

from signet_db.output import tell
from signet_db.runner import Applied, Applying, Event, Noticed, Waiting
from signet_db.target import Holder

_WIDTH = 60


def tell_waiting(holder: Holder | None) -> None:
    """Say for whom we wait."""
    tell(f"Waiting for another migration run: {holder or 'it cannot be named'}")


class Progress:
    """A line for each file, completed when the file is done, or fails inside of ``with``."""

    def __init__(self) -> None:
        self._is_line_open = False

    def __call__(self, event: Event) -> None:
        match event:
            case Waiting(holder):
                tell_waiting(holder)
            case Applying(migration):
                tell(f"  + {migration.version}  {migration.name} ".ljust(_WIDTH, "."), newline=False)
                self._is_line_open = True
            case Applied(_, seconds):
                self._complete(f"ok {seconds * 1000:6.0f} ms")
            case Noticed(severity, message):
                self._complete("")
                tell(f"    {severity.lower()}: {message}")

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Complete the line of a file that failed."""
        if kind and self._is_line_open:
            self._complete("failed")

    def _complete(self, result: str) -> None:
        if self._is_line_open:
            tell(f" {result}")
        elif result:
            tell(f"    {result}")
        self._is_line_open = False
