"""Reads the scripts of definitions, which run with the rights of the user who runs leadtime."""

from __future__ import annotations

import ast
import errno
import grp
import os
import pwd
import stat
from contextlib import suppress
from pathlib import Path


def read_script(path: Path) -> bytes:
    """The text of a script.

    Raises `OSError` when it cannot be read, or when other users may write to it or to its folder:
    what they write would run with the rights of this user.
    """
    for place in (path, path.resolve().parent):
        if _is_writable_for_others(place.stat()):
            what = "its folder" if place != path else "it"
            raise PermissionError(errno.EACCES, f"other users may write to {what}", str(path))
    return path.read_bytes()


def read_functions(path: Path) -> tuple[bytes, set[str]]:
    """The text of a script and the names of its functions.

    Raises what `read_script` raises, and `SyntaxError` or `ValueError` when it is not Python.
    """
    text = read_script(path)
    return text, {part.name for part in ast.parse(text).body if isinstance(part, ast.FunctionDef)}


def _is_writable_for_others(status: os.stat_result) -> bool:
    # In a folder such as /tmp, others cannot replace what is not theirs.
    is_shared = bool(status.st_mode & stat.S_IWOTH) and not status.st_mode & stat.S_ISVTX
    return is_shared or bool(status.st_mode & stat.S_IWGRP and _others_in(status.st_gid))


def _others_in(group: int) -> set[str]:
    """The users in a group but this one and root; many systems give each user a group."""
    members = {user.pw_name for user in pwd.getpwall() if user.pw_gid == group}
    with suppress(KeyError):
        members |= set(grp.getgrgid(group).gr_mem)
    return members - {user.pw_name for user in pwd.getpwall() if user.pw_uid in (0, os.geteuid())}
