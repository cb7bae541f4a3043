"""The types of the formula language, the columns they come from, and which widen to which."""

from __future__ import annotations

import re
from collections.abc import Iterable

BOOLEAN = "BOOLEAN"
WHOLE = "BIGINT"
DOUBLE = "DOUBLE"
DECIMAL = "DECIMAL(38,9)"
TEXT = "VARCHAR"
DATE = "DATE"
TIME = "TIME"
INSTANT = "TIMESTAMP"
JSON = "JSON"
# The type of `null` standing alone; it fits everywhere.
UNTYPED = "NULL"

LISTS = {f"{kind}[]": kind for kind in (TEXT, WHOLE, DOUBLE)}
NUMBERS = (WHOLE, DECIMAL, DOUBLE)
TIMES = (DATE, INSTANT)
SCALARS = (BOOLEAN, *NUMBERS, TEXT, DATE, TIME, INSTANT)
KINDS = (*SCALARS, JSON, *LISTS)

_DECIMAL_TEXT = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
DIGITS_BEFORE, DIGITS_AFTER = 29, 9
_SAME = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER"), WHOLE),
    "FLOAT": DOUBLE,
    "UUID": TEXT,
}


def kind_of_column(sql_type: str) -> str | None:
    """The kind a column of a DuckDB type is read as, or None when formulas cannot read it.

    Small integers are read as BIGINT, FLOAT as DOUBLE, UUID as text, DECIMAL as DECIMAL(38,9) when
    nothing is lost; lists follow their elements.
    """
    name = sql_type.strip().upper()
    if name.endswith("[]"):
        kind = kind_of_column(name[:-2])
        return f"{kind}[]" if f"{kind}[]" in LISTS else None
    if name in KINDS:
        return name
    digits = _DECIMAL_TEXT.fullmatch(name)
    if digits:
        width, scale = int(digits[1]), int(digits[2])
        fits = scale <= DIGITS_AFTER and width - scale <= DIGITS_BEFORE
        return DECIMAL if fits else None
    return _SAME.get(name)


def widest(kinds: Iterable[str]) -> str | None:
    """The kind all of them widen to without a cast; UNTYPED when all are null; None when none is.

    BIGINT widens to DECIMAL(38,9), both to DOUBLE; DATE widens to TIMESTAMP (midnight).
    """
    typed = {kind for kind in kinds if kind != UNTYPED}
    if not typed:
        return UNTYPED
    if len(typed) == 1:
        return typed.pop()
    for ladder in (NUMBERS, TIMES):
        if typed <= set(ladder):
            return max(typed, key=ladder.index)
    return None


def widens(kind: str, target: str) -> bool:
    """Whether a value of the kind may stand where the target is expected."""
    return widest((kind, target)) == target
