"""Errors of the engines whose messages quote data: they are shown by kind and place only."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

from schemas.errors import OperationError

_ROOT = Path(__file__).parents[2]
_ENGINES = ("duckdb", "_duckdb", "polars", "pandera")
# About files and memory, not about values.
_WITHOUT_DATA = ("IOException", "OutOfMemoryException", "HTTPException", "InterruptException")


def without_values(error: BaseException) -> OperationError | None:
    """What to show of an error of an engine; None for other errors, which quote no data.

    Messages of DuckDB, Polars and pandera have the value that they stumbled over, and parts of the
    query. They must reach neither a terminal nor Dagster's storage.
    """
    kind = type(error)
    engine = kind.__module__.partition(".")[0]
    if engine not in _ENGINES or kind.__name__ in _WITHOUT_DATA:
        return None
    place = _place(error)
    found = f"{engine.lstrip('_')} failed with {kind.__name__}; its message may quote data"
    action = (
        "It is a defect of leadtime, or the warehouse was changed from outside. Run again with "
        "`--full`; if it fails again, report this place and kind."
    )
    return OperationError(place, found, action)


def _place(error: BaseException) -> str:
    """The last line of our code on the way to an error."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [
        f for f in frames if Path(f.filename).is_relative_to(_ROOT) and ".venv" not in f.filename
    ]
    if not ours:
        return Path(sys.argv[0]).name
    return f"{Path(ours[-1].filename).relative_to(_ROOT)}:{ours[-1].lineno}"
