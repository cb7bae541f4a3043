"""Compiles operators on numbers, and the sum of an instant and an interval."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlglot import exp

from schemas.formulas.functions_choice import common_kind
from schemas.formulas.kinds import DATE, DECIMAL, DOUBLE, INSTANT, NUMBERS, TIMES, WHOLE
from schemas.formulas.problems import FormulaProblem, one_of, quoted
from schemas.formulas.values import (
    Value,
    any_fails,
    as_kind,
    binary,
    call,
    case,
    cast,
    chain,
    in_range,
    let,
    negated,
    not_,
    operation,
    text,
    try_cast,
)

_MAX_TERMS = 400
# As many terms of this size still fit DECIMAL(38,9), so adding them cannot overflow.
_TERM = {WHOLE: "HUGEINT", DECIMAL: "DECIMAL(35,9)", DOUBLE: DOUBLE}
# A product of two DECIMAL(38,9) has 18 digits after the point and so at most 20 before it.
_LARGEST_PRODUCT = "1e19"
_UNITS = {
    "SECOND": 10**10,
    "MINUTE": 10**8,
    "HOUR": 10**7,
    "DAY": 3_652_059,
    "WEEK": 521_722,
    "MONTH": 119_988,
    "YEAR": 9_999,
}
_CLOCK_UNITS = ("SECOND", "MINUTE", "HOUR")
_HINTS = {
    DATE: " (between two days: `days_between(a, b)`; a shift: `a + interval '3 days'`)",
    INSTANT: " (between two instants: `seconds_between(a, b)`; a shift: `a + interval '3 days'`)",
    "VARCHAR": " (join texts with `||`; read a number with `cast(x as double)`)",
}


def add(terms: Sequence[tuple[bool, Value]]) -> Value:
    """The sum of terms, each with whether it is taken away.

    Done in the widest type of the terms; fails where the whole sum does not fit its type.
    """
    values = [value for _, value in terms]
    kind = _number_kind("`+` or `-`", values)
    if len(values) > _MAX_TERMS:
        raise FormulaProblem(f"a sum of {len(values)} terms", f"at most {_MAX_TERMS}")
    parts: list[exp.Expr] = []
    for is_taken_away, value in terms:
        part = try_cast(as_kind(value, kind).sql, _TERM[kind])
        parts.append(negated(part) if is_taken_away else part)
    total = chain(exp.Add, parts)
    sql = total if kind == DOUBLE else try_cast(total, kind)
    return operation(kind, sql, values, may_fail=True)


def negate(value: Value) -> Value:
    """The number with its sign turned; a constant stays one."""
    if isinstance(value.literal, int):
        return Value(WHOLE, negated(value.sql), literal=-value.literal)
    kind = _number_kind("`-`", [value])
    if kind == WHOLE:
        return add([(True, value)])
    return operation(kind, negated(value.sql), [value], may_fail=False)


def multiply(left: Value, right: Value) -> Value:
    """The product in the wider type; fails where it does not fit."""
    kind = _number_kind("`*`", [left, right])
    a, b = (as_kind(value, kind).sql for value in (left, right))
    if kind == WHOLE:
        sql = try_cast(binary(exp.Mul, cast(a, "HUGEINT"), cast(b, "HUGEINT")), kind)
    elif kind == DECIMAL:
        sql = let(call("struct_pack", *_named(a=a, b=b)), _decimal_product)
        return Value(kind, sql, any_fails([left, right], not_(_product_fits(a, b))))
    else:
        sql = binary(exp.Mul, a, b)
    return operation(kind, sql, [left, right], may_fail=True)


def divide(left: Value, right: Value) -> Value:
    """`/`: always a DOUBLE; fails for a divisor of 0."""
    _number_kind("`/`", [left, right])
    a, b = (as_kind(value, DOUBLE).sql for value in (left, right))
    divisor = call("nullif", b, cast(exp.Literal.number(0), DOUBLE))
    sql = exp.Paren(this=exp.Div(this=a, expression=divisor, typed=False, safe=False))
    return operation(DOUBLE, sql, [left, right], may_fail=True)


def divide_whole(operator: type[exp.Binary], left: Value, right: Value) -> Value:
    """`//` (cut towards 0) and `%` (with the sign of the left side) of whole numbers."""
    sign = "//" if operator is exp.IntDiv else "%"
    if _number_kind(f"`{sign}`", [left, right]) != WHOLE:
        raise FormulaProblem(
            f"`{sign}` of {left.kind} and {right.kind}", "whole numbers (BIGINT); `/` for others"
        )
    a, b = (cast(as_kind(value, WHOLE).sql, "HUGEINT") for value in (left, right))
    sql = try_cast(binary(operator, a, call("nullif", b, exp.Literal.number(0))), WHOLE)
    return operation(WHOLE, sql, [left, right], may_fail=True)


def shift(value: Value, interval: exp.Interval, *, back: bool) -> Value:
    """A day or instant plus or minus an interval; a day stays a day unless hours are added.

    The last of February is what is left of the 31st plus a month. Fails beyond the years 1 to 9999.
    """
    if value.kind not in TIMES:
        raise FormulaProblem(f"an interval beside {value.kind}", "a DATE or a TIMESTAMP before it")
    amount, unit = _read_interval(interval)
    kind = INSTANT if unit in _CLOCK_UNITS else value.kind
    step = exp.Interval(this=text(str(amount)), unit=exp.var(unit))
    moved = binary(exp.Sub if back else exp.Add, cast(value.sql, INSTANT), step)

    def kept(result: exp.Expr) -> exp.Expr:
        return case([(in_range(result, INSTANT), cast(result, kind))], None)

    return operation(kind, let(moved, kept), [value], may_fail=True)


def _number_kind(what: str, values: Sequence[Value]) -> str:
    kind = common_kind(what, values)
    if kind == "NULL":
        return WHOLE
    if kind not in NUMBERS:
        raise FormulaProblem(f"{what} of {kind}", f"numbers{_HINTS.get(kind, '')}")
    return kind


def _named(**parts: exp.Expr) -> list[exp.Expr]:
    return [
        exp.PropertyEQ(this=exp.to_identifier(name), expression=part)
        for name, part in parts.items()
    ]


def _decimal_product(pair: exp.Expr) -> exp.Expr:
    a, b = (call("struct_extract", pair, text(name)) for name in ("a", "b"))
    return case([(_product_fits(a, b), cast(binary(exp.Mul, a, b), DECIMAL))], None)


def _product_fits(a: exp.Expr, b: exp.Expr) -> exp.Expr:
    size = call("abs", binary(exp.Mul, cast(a, DOUBLE), cast(b, DOUBLE)))
    return binary(exp.LT, size, cast(text(_LARGEST_PRODUCT), DOUBLE))


def _read_interval(interval: exp.Interval) -> tuple[int, str]:
    amount, unit = interval.args.get("this"), interval.args.get("unit")
    name = unit.name.upper().removesuffix("S") if isinstance(unit, exp.Var) else ""
    written = amount.name if isinstance(amount, exp.Literal) else ""
    if name not in _UNITS or not re.fullmatch(r"-?[0-9]{1,11}", written):
        raise FormulaProblem(
            f"the interval {quoted(interval.sql(dialect='duckdb'))}",
            f"`interval '3 days'`: a whole number and {one_of(u.lower() for u in _UNITS)}",
        )
    if abs(int(written)) > _UNITS[name]:
        raise FormulaProblem(f"an interval of {written} {name.lower()}s", f"at most {_UNITS[name]}")
    return int(written), name
