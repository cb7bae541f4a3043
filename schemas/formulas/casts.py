"""Explicit casts: which exist, and how each converts."""

from __future__ import annotations

import re
from datetime import date, datetime, time

from sqlglot import exp

from schemas.formulas.kinds import (
    BOOLEAN,
    DATE,
    DECIMAL,
    DOUBLE,
    INSTANT,
    SCALARS,
    TEXT,
    TIME,
    UNTYPED,
    WHOLE,
    widens,
)
from schemas.formulas.problems import FormulaProblem, one_of, quoted
from schemas.formulas.values import (
    Value,
    as_kind,
    call,
    cast,
    operation,
    text,
    try_cast,
    whole,
)

_CLOCK = r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_DIGITS = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
# How a text must look to be read as a value. DuckDB alone would also read `0x10`, `1_000`, `inf`,
# `2.7` as a whole number, and an instant with a zone it then ignores.
_TEXT_OF = {
    BOOLEAN: "[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]",
    WHOLE: "[+-]?[0-9]+",
    DECIMAL: f"[+-]?{_DIGITS}",
    DOUBLE: rf"[+-]?{_DIGITS}(?:[eE][+-]?[0-9]+)?",
    DATE: _DAY,
    TIME: _CLOCK,
    INSTANT: f"{_DAY}(?:[ T]{_CLOCK})?",
}
_EXAMPLES = {
    DATE: "a day such as '2026-01-31'",
    TIME: "a time such as '09:30:00'",
    INSTANT: "an instant in UTC such as '2026-01-31 09:30:00'",
}
# Casts that are not a widening: always right, or failing where the value does not fit.
_SAFE = {
    (DECIMAL, TEXT),
    (WHOLE, TEXT),
    (DOUBLE, TEXT),
    (BOOLEAN, TEXT),
    (BOOLEAN, WHOLE),
    (DATE, TEXT),
    (TIME, TEXT),
    (INSTANT, TEXT),
    (INSTANT, DATE),
    (INSTANT, TIME),
}
_MAY_FAIL = {(DOUBLE, WHOLE), (DOUBLE, DECIMAL), (DECIMAL, WHOLE)}
_NAMES: dict[exp.DType, str] = {
    exp.DType.BOOLEAN: BOOLEAN,
    exp.DType.INT: WHOLE,
    exp.DType.BIGINT: WHOLE,
    exp.DType.DOUBLE: DOUBLE,
    exp.DType.DECIMAL: DECIMAL,
    exp.DType.TEXT: TEXT,
    exp.DType.VARCHAR: TEXT,
    exp.DType.DATE: DATE,
    exp.DType.TIME: TIME,
    exp.DType.TIMESTAMP: INSTANT,
    exp.DType.TIMESTAMPNTZ: INSTANT,
}


def target_of(node: exp.Cast) -> str:
    """The kind a cast names. Raises FormulaProblem for a type formulas do not cast to."""
    to = node.to
    parameters = [parameter.name for parameter in to.expressions]
    kind = _NAMES.get(to.this)
    if kind is None or (parameters and (kind != DECIMAL or parameters != ["38", "9"])):
        name = to.sql(dialect="duckdb")
        raise FormulaProblem(f"a cast to {quoted(name)}", one_of(("INTEGER", *SCALARS)))
    return kind


def cast_value(value: Value, kind: str) -> Value:
    """The value as another kind; fails where it does not fit. Null stays null.

    A DOUBLE becomes the nearest whole number, a half the even one; a half of a DECIMAL goes away
    from zero. Texts are read as `_TEXT_OF` says, spaces around them are ignored.
    Raises FormulaProblem when there is no such cast.
    """
    pair = (value.kind, kind)
    if value.kind == UNTYPED or widens(*pair):
        return as_kind(value, kind)
    if pair in _SAFE:
        return operation(kind, cast(value.sql, kind), [value], may_fail=False)
    if pair in _MAY_FAIL:
        return operation(kind, try_cast(value.sql, kind), [value], may_fail=True)
    if value.kind == TEXT and kind in _TEXT_OF:
        return _read_text(value, kind)
    hint = " (a member of JSON: `json_text(x, 'member')`)" if value.kind == "JSON" else ""
    targets = (k for k in SCALARS if _is_known((value.kind, k)))
    raise FormulaProblem(f"a cast of {value.kind} to {kind}", one_of(targets) + hint)


def _is_known(pair: tuple[str, str]) -> bool:
    is_text = pair[0] == TEXT and pair[1] in _TEXT_OF
    return is_text or widens(*pair) or pair in _SAFE or pair in _MAY_FAIL


def _read_text(value: Value, kind: str) -> Value:
    if isinstance(value.literal, str) and kind in _EXAMPLES:
        return _written_out(value.literal, kind)
    pattern = rf"^\s*({_TEXT_OF[kind]})\s*$"
    # Without a match the text is empty, which does not convert to any of these kinds.
    found = call("regexp_extract", value.sql, text(pattern), whole(1))
    return operation(kind, try_cast(found, kind), [value], may_fail=True)


def _written_out(content: str, kind: str) -> Value:
    """A date, time or instant of the formula itself: one that is wrong is refused at once."""
    readers = {DATE: date.fromisoformat, TIME: time.fromisoformat, INSTANT: datetime.fromisoformat}
    trimmed = content.strip()
    try:
        is_right = re.fullmatch(_TEXT_OF[kind], trimmed) is not None
        readers[kind](trimmed)
    except ValueError:
        is_right = False
    if not is_right:
        raise FormulaProblem(f"{quoted(content)} as {kind}", _EXAMPLES[kind])
    return Value(kind, cast(text(trimmed), kind), literal=trimmed)
