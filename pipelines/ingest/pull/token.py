"""The token of the API: from the environment, or from a file that only its owner may read."""

from __future__ import annotations

import os
import re
import shlex
import stat
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.settings import Settings
from schemas.errors import OperationError

SETTING = "LEADTIME_API_TOKEN"
_FILE_SETTING = "LEADTIME_API_TOKEN_FILE"
_MOST_BYTES = 16_384
# What a header may carry. An HTTP library that refuses another value shows it in its message.
_TOKEN = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True)
class Token:
    """A token and the setting or file that it comes from; its text shows in no message or repr."""

    text: str = field(repr=False)
    origin: str


def read_token(settings: Settings) -> Token:
    """The token of the settings.

    Raises `OperationError`, which never shows it, when there is none, it is more than one word, or
    other users may read its file.
    """
    path = settings.api_token_file
    if text := os.environ.get(SETTING, "").strip():
        origin = SETTING
    elif path is not None:
        text, origin = _read_private(path).strip(), str(path)
    else:
        action = f"Set it, or name a file of mode 0600 that holds it in {_FILE_SETTING}."
        raise OperationError(SETTING, "there is no token for the API", action)
    if not _TOKEN.fullmatch(text):
        found = "holds more than one word, or letters that no token has" if text else "is empty"
        raise OperationError(origin, found, "Put the token there, and nothing else.")
    return Token(text, origin)


def _read_private(path: Path) -> str:
    try:
        # Not blocking: a pipe would wait for its other end.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        found = f"cannot be read: {(error.strerror or str(error)).lower()}"
        action = f"Name a file with the token of the API in {_FILE_SETTING}."
        raise OperationError(str(path), found, action) from error
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise OperationError(str(path), "is not a file", f"Name a file in {_FILE_SETTING}.")
        if status.st_uid != os.geteuid():
            action = "Make a file of your own with the token, of mode 0600."
            raise OperationError(str(path), "belongs to another user", action)
        if status.st_mode & 0o077:
            found = f"has the mode {stat.S_IMODE(status.st_mode):04o}: others may use the token"
            action = f"Run `chmod 600 {shlex.quote(str(path))}`, and replace the token if need be."
            raise OperationError(str(path), found, action)
        return os.read(handle, _MOST_BYTES).decode("utf-8", "replace")
    finally:
        os.close(handle)
