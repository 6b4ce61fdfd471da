"""The type of a hostile token: its name, the token, and the code of the refusal that it must get."""

from __future__ import annotations

Case = tuple[str, str, str]
