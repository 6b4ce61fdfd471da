"""Account of the PostgreSQL server: set between fork and exec, because PostgreSQL refuses root.

Two ways: a user namespace (root's files stay root's), or an account of the machine; root.py chooses. Standard
library only, because the supervisor imports it.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

CLONE_NEWUSER = 0x10000000  # linux/sched.h
PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(frozen=True, slots=True)
class RunAs:
    """The user that starts the stack, that user in a user namespace, or another account.

    ``uid`` and ``gid`` are the account's; in a namespace they are only the names that the server sees there,
    and must have an entry in the passwd database (initdb looks it up).
    """

    kind: Literal["self", "namespace", "account"] = "self"
    uid: int = -1
    gid: int = -1

    @property
    def owner(self) -> int:
        """The user id that owns the server's files, seen from outside."""
        return self.uid if self.kind == "account" else os.geteuid()

    def popen_arguments(self) -> dict[str, Any]:
        """Return the arguments of Popen that start a program as this user, ending it with its parent.

        Only for processes without threads: something has to run between fork and exec.
        """
        arguments: dict[str, Any] = {"preexec_fn": partial(_before_exec, self)}
        if self.kind == "account":
            arguments |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return arguments


def unprivileged_account(named: str | None = None) -> pwd.struct_passwd | None:
    """Return the account to run as when root: the one named, else the usual ones; None when there is none."""
    for name in [named] if named else ["postgres", "nobody"]:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return entry
    return None


def has_name(uid: int) -> bool:
    """Whether a user id has an entry in the passwd database, without which initdb refuses to work."""
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _before_exec(run_as: RunAs) -> None:
    """Import nothing: this runs as the new user, who may not be able to read the interpreter's files."""
    if run_as.kind == "namespace":
        _enter_user_namespace(run_as.uid, run_as.gid)
    # Last, because the kernel forgets it when the user changes.
    _die_with_parent()


def _enter_user_namespace(uid: int, gid: int) -> None:
    """Become `uid` in a namespace of our own; raise OSError where the kernel does not allow it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} 0 1"), ("gid_map", f"{gid} 0 1")):
        Path(f"/proc/self/{name}").write_text(text)


def _die_with_parent() -> None:
    """Ask Linux to stop this process when its parent dies; other systems rely on the next start."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
