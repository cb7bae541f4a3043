"""The secret that makes keys of personal values: a file of the data folder, made on first need."""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from pipelines.publish.target import take_name
from pipelines.settings import Settings
from pipelines.warehouse.sync import sync
from schemas.errors import OperationError

_BYTES = 32
_ACTION = (
    "Restore the file from a backup. Without one, remove it: the next run makes another, and keys "
    "of earlier generations no longer match."
)


def pepper_of(settings: Settings) -> bytes:
    """The pepper of a data folder; the first caller makes it.

    Keys made with another pepper differ, so the file must be kept as long as keys are compared.
    Raises `OperationError` when the file cannot be read, or is not a pepper.
    """
    path = settings.pepper
    if not path.exists():
        _make(path, settings.temporary)
    try:
        pepper = bytes.fromhex(path.read_text(encoding="ascii"))
    except PermissionError as error:
        action = "Give it back to the user who runs leadtime."
        raise OperationError(str(path), "cannot be read by this user", action) from error
    except ValueError:
        pepper = b""
    if len(pepper) != _BYTES:
        raise OperationError(str(path), "is not a pepper (64 hexadecimal digits)", _ACTION)
    return pepper


def _make(path: Path, temporary: Path) -> None:
    """Write a new pepper to a temporary file, then give it the name if that is still free."""
    for folder in (path.parent, temporary):
        folder.mkdir(0o700, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=temporary)  # only its owner may read it
    made = Path(name)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(f"{secrets.token_hex(_BYTES)}\n")
    sync(made)
    with suppress(FileExistsError):  # another process was faster: its pepper counts
        take_name(made, path)
    made.unlink(missing_ok=True)
    sync(path.parent)
