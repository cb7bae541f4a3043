"""Functions on dates, times and instants. All instants are UTC."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from schemas.formulas.functions import Function, Overload, check_count, strict
from schemas.formulas.kinds import DATE, DOUBLE, INSTANT, TIME, TIMES, WHOLE
from schemas.formulas.problems import FormulaProblem, one_of, quoted
from schemas.formulas.values import Value, binary, call, cast, operation, text, text_literal

_DAY_UNITS = ("year", "quarter", "month", "week", "day")
_CLOCK_UNITS = ("hour", "minute", "second")
_MICROSECONDS = "1000000"
_SECONDS_PER_DAY = "86400"
_PARTS = {
    "year": "The year.",
    "quarter": "The quarter, 1 to 4.",
    "month": "The month, 1 to 12.",
    "week": "The ISO week, 1 to 53.",
    "day": "The day of the month.",
    "dayofweek": "0 (Sunday) to 6 (Saturday).",
    "isodow": "1 (Monday) to 7 (Sunday).",
    "hour": "The hour, 0 to 23.",
    "minute": "The minute.",
    "second": "The whole second.",
}
EXTRACTED = {**{name: name for name in _PARTS}, "dow": "dayofweek"}


def _part(name: str, says: str) -> Function:
    def build(argument: exp.Expr) -> exp.Expr:
        return call(name, argument)

    kinds = (TIME, INSTANT) if name in _CLOCK_UNITS else TIMES
    return strict(name, says, *(Overload((kind,), WHOLE, build) for kind in kinds))


def _date_trunc(name: str, arguments: Sequence[Value]) -> Value:
    check_count(name, arguments, 2, 2)
    unit = text_literal(arguments[0], "the unit").lower()
    value = arguments[1]
    if value.kind not in TIMES:
        raise FormulaProblem(f"`{name}` of {value.kind}", "a DATE or a TIMESTAMP")
    units = _DAY_UNITS if value.kind == DATE else (*_DAY_UNITS, *_CLOCK_UNITS)
    if unit not in units:
        raise FormulaProblem(f"the unit {quoted(unit)} of {value.kind}", one_of(units, unit))
    sql = cast(call("date_trunc", text(unit), value.sql), value.kind)
    return operation(value.kind, sql, [value], may_fail=False)


def _microseconds_between(start: exp.Expr, end: exp.Expr) -> exp.Expr:
    return binary(exp.Sub, call("epoch_us", end), call("epoch_us", start))


def _seconds_between(start: exp.Expr, end: exp.Expr) -> exp.Expr:
    return _divided(cast(_microseconds_between(start, end), DOUBLE), _MICROSECONDS)


def _days_between(start: exp.Expr, end: exp.Expr) -> exp.Expr:
    return _divided(_seconds_between(start, end), _SECONDS_PER_DAY)


def _whole_days_between(start: exp.Expr, end: exp.Expr) -> exp.Expr:
    return call("date_diff", text("day"), start, end)


def _divided(number: exp.Expr, by: str) -> exp.Expr:
    divisor = cast(exp.Literal.number(by), DOUBLE)
    return exp.Paren(this=exp.Div(this=number, expression=divisor, typed=False, safe=False))


FUNCTIONS = (
    Function(
        "date_trunc",
        (("'unit', DATE", DATE), ("'unit', TIMESTAMP", INSTANT)),
        f"The start of the unit: {', '.join(_DAY_UNITS)}; of an instant also "
        f"{', '.join(_CLOCK_UNITS)}. Weeks start on Monday.",
        _date_trunc,
    ),
    *(_part(name, says) for name, says in _PARTS.items()),
    strict(
        "seconds_between",
        "Seconds from the first instant to the second, with their fraction.",
        Overload((INSTANT, INSTANT), DOUBLE, _seconds_between),
    ),
    strict(
        "days_between",
        "Days from the first to the second: whole between dates, of 86,400 seconds and with their "
        "fraction between instants.",
        Overload((DATE, DATE), WHOLE, _whole_days_between),
        Overload((INSTANT, INSTANT), DOUBLE, _days_between),
    ),
)
