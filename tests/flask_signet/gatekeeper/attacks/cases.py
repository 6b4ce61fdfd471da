"""What a hostile token is to a test: a name with its number in the attack list, the token, a code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

Case = tuple[str, str, str]  # name, token, the code of the refusal that it must meet


def labelled(numbers: str, cases: Iterable[Case]) -> Iterator[Case]:
    """Put the numbers of the attack list in front of the names."""
    for name, token, code in cases:
        yield f"{numbers}_{name}", token, code
