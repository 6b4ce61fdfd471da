"""Run the commands without Flask: ``python -m signet_db``."""

from __future__ import annotations

from signet_db.cli import MODULE, db

if __name__ == "__main__":
    db(prog_name=MODULE)
