"""What holds for the data: records, definitions, formulas and the catalogue of tables.

`load_procedures` reads definitions, and `procedure_schema` gives the pandera schema of one for a
frame of your own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from schemas.load import load_procedures
    from schemas.records.procedure_schema import procedure_schema

__all__ = ["load_procedures", "procedure_schema"]


def __getattr__(name: str) -> Any:
    # Pandera takes a second to load, which most commands need not wait for.
    if name == "load_procedures":
        from schemas.load import load_procedures  # noqa: PLC0415

        return load_procedures
    if name == "procedure_schema":
        from schemas.records.procedure_schema import procedure_schema  # noqa: PLC0415

        return procedure_schema
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
