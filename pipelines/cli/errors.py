"""Failing commands: a message on stderr, and exit code 1."""
# ruff: noqa: PLC0415 - a command that succeeds must not load what only failing needs

import inspect
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import typer

from schemas.errors import LeadtimeError

_Command = TypeVar("_Command", bound=Callable[..., None])


def reported(command: _Command) -> _Command:
    """Print errors that a user can act on as a message; defects keep their traceback."""

    @wraps(command)
    def reporting(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except BrokenPipeError:
            raise  # the reader of our output has closed it: typer ends quietly
        except LeadtimeError as error:
            _fail(str(error))
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            sentence = _sentence(error, kwargs.get("data") or Path("data"))
            if sentence is None:
                raise
            _fail(sentence)

    # The help is wrapped by the terminal: typer keeps the lines of the source otherwise.
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    reporting.__doc__ = "\n\n".join(text.replace("\n", " ") for text in paragraphs)
    return reporting  # type: ignore[return-value]


def _fail(sentence: str) -> NoReturn:
    from pipelines.terminal.text import console

    console(stderr=True).print(sentence, style="red")
    raise typer.Exit(1)


def _sentence(error: Exception, folder: Path) -> str | None:
    """The message for an error of the system or the engine; None for a defect."""
    from pipelines.warehouse.data_errors import without_values

    if not isinstance(error, OSError) and not _is_of_engine(error, "Error"):
        shown = without_values(error)
        return str(shown) if shown else None
    from pipelines.warehouse.file_errors import is_no_space, no_space

    if is_no_space(error):
        return str(no_space(error, folder, action="Make room, then try again."))
    if isinstance(error, OSError):
        reason = error.strerror or str(error)
        return f"{error.filename or 'the operating system'}: {reason.lower()}"
    if shown := without_values(error):
        return str(shown)
    # Files that cannot be read or written, and too little memory.
    if _is_of_engine(error, "IOException") or _is_of_engine(error, "OutOfMemoryException"):
        return " ".join(str(error).split())
    return None


def _is_of_engine(error: Exception, kind: str) -> bool:
    duckdb = sys.modules.get("duckdb")
    return duckdb is not None and isinstance(error, getattr(duckdb, kind))
