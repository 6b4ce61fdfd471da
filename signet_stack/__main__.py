"""`python -m signet_stack` and the console script `signet-stack`: see program.py."""

from __future__ import annotations

import sys

from signet_stack.errors import UnsupportedSystem, refuse_windows


def run() -> None:
    """Run the program; exit with code 1 where the local stack cannot run."""
    try:
        refuse_windows()
    except UnsupportedSystem as error:
        sys.exit(f"error: {error.message}\nNext: {error.hint}")
    from signet_stack.program import main

    main()


if __name__ == "__main__":
    run()
