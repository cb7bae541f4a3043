"""The packages that models need, imported only when one is fitted."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from schemas.errors import OperationError

HOW_TO_INSTALL = (
    "Install the extra `models` with `uv tool install 'leadtime[models]'`, or in a checkout with "
    "`uv sync --extra models`."
)


def require(module: str) -> Any:
    """A module of the extra `models`; raises `OperationError` when it is not installed."""
    try:
        return import_module(module)
    except ImportError as error:
        found = f"models need packages that are not installed ({error.name})"
        raise OperationError(module, found, HOW_TO_INSTALL) from error
