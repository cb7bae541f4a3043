"""Compiles columns and literal numbers."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

from sqlglot import exp

from schemas.formulas import values
from schemas.formulas.kinds import (
    DECIMAL,
    DIGITS_AFTER,
    DIGITS_BEFORE,
    DOUBLE,
    KINDS,
    TIMES,
    WHOLE,
    kind_of_column,
)
from schemas.formulas.problems import FormulaProblem, one_of, quoted
from schemas.formulas.values import Value

_LARGEST_WHOLE = 2**63 - 1
_MAX_NUMBER = 40


def match_name(written: str, columns: Iterable[str], names: Mapping[str, str]) -> str:
    """The column a name stands for: as written, else the only one that differs in case or in how
    letters are composed, else by `names`.
    """
    known = list(columns)
    if written in known:
        return written
    alike = [name for name in known if _folded(name) == _folded(written)]
    if len(alike) == 1:
        return alike[0]
    if alike:
        raise FormulaProblem(f"the name {quoted(written)}, which several have", one_of(alike))
    if names.get(written) in known:
        return names[written]
    raise FormulaProblem(f"unknown name {quoted(written)}", one_of(known, written))


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).lower()


def read_column(name: str, sql_type: str) -> Value:
    """A column as its kind. A DOUBLE that is not finite fails, and so does a day or an instant
    outside the years 1 to 9999.
    """
    kind = kind_of_column(sql_type)
    if kind is None:
        raise FormulaProblem(f"`{name}` of type {sql_type}", one_of(KINDS))
    column: exp.Expr = exp.column(name, quoted=True)
    sql = column if sql_type.strip().upper() == kind else values.cast(column, kind)
    if kind == DOUBLE:
        return Value(kind, sql, values.not_(values.call("isfinite", sql)))
    if kind in TIMES:
        is_right = values.in_range(column, kind)
        kept = values.case([(is_right, column)], None)
        return Value(kind, kept, values.not_(is_right))
    return Value(kind, sql)


def read_number(content: str) -> Value:
    """A number: `12` is BIGINT, `1.5` DECIMAL, `1e6` and what does not fit DECIMAL is DOUBLE."""
    if len(content) > _MAX_NUMBER:
        raise FormulaProblem(f"the number {quoted(content)}", f"{_MAX_NUMBER} digits")
    before, point, after = content.partition(".")
    is_plain = (before + after).isdecimal() and content.isascii()
    if is_plain and not point:
        if int(content) > _LARGEST_WHOLE:
            raise FormulaProblem(f"the number {quoted(content)}", f"at most {_LARGEST_WHOLE}")
        number = values.cast(exp.Literal.number(content), WHOLE)
        return Value(WHOLE, number, literal=int(content))
    if is_plain and len(before) <= DIGITS_BEFORE and len(after) <= DIGITS_AFTER:
        return Value(DECIMAL, values.cast(values.text(content), DECIMAL), literal=content)
    return Value(DOUBLE, values.cast(values.text(_finite(content)), DOUBLE), literal=content)


def _finite(content: str) -> str:
    try:
        is_finite = abs(float(content)) < float("inf")
    except ValueError:
        is_finite = False
    if not is_finite:
        raise FormulaProblem(f"the number {quoted(content)}", "a number such as 12, 1.5 or 1e6")
    return content
