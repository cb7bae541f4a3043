"""What a copy did, and the packages that it needs."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from schemas.errors import OperationError


@dataclass(frozen=True)
class Copied:
    """A generation at an address: `is_new` unless it was there already.

    `notes` are sentences on what an operator there should know.
    """

    address: str
    generation: int
    tables: int
    rows: int
    seconds: float = 0.0
    is_new: bool = True
    notes: tuple[str, ...] = ()


def require(module: str, *, extra: str, place: str = "") -> Any:
    """A module of an optional package; raises `OperationError` about a place without it."""
    try:
        return import_module(module)
    except ImportError as error:
        raise OperationError(
            place or f"{extra}://",
            f"copies there need packages that are not installed ({error.name})",
            f"Install them with `uv tool install 'leadtime[{extra}]'`, or in a checkout with "
            f"`uv sync --extra {extra}`.",
        ) from error
