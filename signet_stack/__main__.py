"""`python -m signet_stack`: the local stack as a program."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    sys.exit("error: The local stack does not run on Windows itself.\n  Next: use it in WSL")
else:
    from signet_stack.command import main

    sys.exit(main())
