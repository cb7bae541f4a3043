"""What a copy did."""

from __future__ import annotations

from dataclasses import dataclass


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
