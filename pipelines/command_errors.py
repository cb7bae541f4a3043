"""What the shell is told when a command fails: a sentence on stderr, and exit code 1.

What the sentences say is for whoever raises the error.
"""
# ruff: noqa: PLC0415 - commands that do not fail must not load what only failing needs

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import typer

from schemas.errors import LeadtimeError

_Command = TypeVar("_Command", bound=Callable[..., None])


def reported(command: _Command) -> _Command:
    """Turn errors that a user must act on into a sentence; defects keep their traceback."""

    @wraps(command)
    def reporting(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except BrokenPipeError:
            raise  # whoever read our output has gone: typer ends quietly
        except LeadtimeError as error:
            _fail(str(error))
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            sentence = _sentence(error, kwargs.get("data") or Path("data"))
            if sentence is None:
                raise
            _fail(sentence)

    return reporting  # type: ignore[return-value]


def _fail(sentence: str) -> NoReturn:
    from pipelines.show import console

    console(stderr=True).print(sentence, style="red")
    raise typer.Exit(1)


def _sentence(error: Exception, folder: Path) -> str | None:
    """What to say of a trouble that nobody has put into words yet; None for a defect."""
    if not isinstance(error, OSError) and not _is_of_engine(error, "Error"):
        return None
    from pipelines.storage import is_no_space, no_space

    if is_no_space(error):
        return str(no_space(folder, said="Make room, then try again."))
    if isinstance(error, OSError):
        said = error.strerror or str(error)
        return f"{error.filename or 'the operating system'}: {said.lower()}"
    # It could not read or write its files, or has too little memory.
    if _is_of_engine(error, "IOException") or _is_of_engine(error, "OutOfMemoryException"):
        return " ".join(str(error).split())
    return None


def _is_of_engine(error: Exception, kind: str) -> bool:
    duckdb = sys.modules.get("duckdb")
    return duckdb is not None and isinstance(error, getattr(duckdb, kind))
