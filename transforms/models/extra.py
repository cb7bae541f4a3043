"""The packages that models need, imported only when one is fitted."""

from __future__ import annotations

from typing import Any

from schemas.errors import require_module


def require(module: str) -> Any:
    """A module of the extra `models`; raises `OperationError` when it is not installed."""
    return require_module(module, extra="models", place="A model")
