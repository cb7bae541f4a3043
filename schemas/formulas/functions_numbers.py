"""Functions on numbers and on lists."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from schemas.formulas.functions import Build, Function, Overload, check_count, pick, strict
from schemas.formulas.kinds import BOOLEAN, DECIMAL, DOUBLE, LISTS, NUMBERS, TEXT, WHOLE
from schemas.formulas.values import (
    Value,
    as_kind,
    call,
    cast,
    operation,
    try_cast,
    whole,
    whole_literal,
)

_MAX_DIGITS = 9


def _calling(name: str) -> Build:
    def build(*arguments: exp.Expr) -> exp.Expr:
        return call(name, *arguments)

    return build


def _on_doubles(name: str, takes: int, says: str) -> Function:
    """A function whose DuckDB form gives NaN or infinity where there is no result."""
    overload = Overload((DOUBLE,) * takes, DOUBLE, _calling(name), may_fail=True)
    return strict(name, says, overload)


def _abs(argument: exp.Expr) -> exp.Expr:
    return try_cast(call("abs", cast(argument, "HUGEINT")), WHOLE)


def _same(argument: exp.Expr) -> exp.Expr:
    return argument


def _to_whole_steps(name: str, says: str) -> Function:
    def of_decimal(argument: exp.Expr) -> exp.Expr:
        return try_cast(call(name, argument), DECIMAL)

    return strict(
        name,
        says,
        Overload((WHOLE,), WHOLE, _same),
        Overload((DECIMAL,), DECIMAL, of_decimal, may_fail=True),
        Overload((DOUBLE,), DOUBLE, _calling(name), may_fail=True),
    )


def _round(name: str, arguments: Sequence[Value]) -> Value:
    check_count(name, arguments, 1, 2)
    number, *rest = arguments
    digits = whole_literal(rest[0], 0, _MAX_DIGITS, "the number of digits") if rest else 0
    form = pick(name, [Overload((kind,), kind, call) for kind in NUMBERS], [number])
    value = as_kind(number, form.gives)
    if value.kind == WHOLE:
        return value
    sql = try_cast(call("round", value.sql, whole(digits)), value.kind)
    return operation(value.kind, sql, [value], may_fail=True)


def _sign(argument: exp.Expr) -> exp.Expr:
    return cast(call("sign", argument), WHOLE)


def _contains() -> tuple[Overload, ...]:
    of_text = Overload((TEXT, TEXT), BOOLEAN, _calling("contains"))
    return (of_text, *_list_contains())


def _list_contains() -> tuple[Overload, ...]:
    build = _calling("list_contains")
    return tuple(Overload((kind, element), BOOLEAN, build) for kind, element in LISTS.items())


def _length_of_list(argument: exp.Expr) -> exp.Expr:
    return call("len", argument)


def _list_min_max(name: str, arguments: Sequence[Value]) -> Value:
    check_count(name, arguments, 1, 1)
    form = pick(name, [Overload((k,), element, call) for k, element in LISTS.items()], arguments)
    return _of_elements(name, form, arguments[0])


def _list_sum(name: str, arguments: Sequence[Value]) -> Value:
    check_count(name, arguments, 1, 1)
    forms = [Overload((f"{kind}[]",), kind, call) for kind in (WHOLE, DOUBLE)]
    return _of_elements(name, pick(name, forms, arguments), arguments[0])


def _of_elements(name: str, form: Overload, argument: Value) -> Value:
    """Null for a list without values; fails where there is a result that does not fit its kind."""
    value = as_kind(argument, form.takes[0])
    result = Value(form.gives, call(name, value.sql))
    sql = try_cast(result.sql, form.gives)
    return operation(form.gives, sql, [value, result], may_fail=True)


FUNCTIONS = (
    strict(
        "abs",
        "Without its sign.",
        Overload((WHOLE,), WHOLE, _abs, may_fail=True),
        Overload((DECIMAL,), DECIMAL, _calling("abs")),
        Overload((DOUBLE,), DOUBLE, _calling("abs")),
    ),
    Function(
        "round",
        tuple((form, kind) for kind in NUMBERS for form in (kind, f"{kind}, digits")),
        f"Rounded to 0 to {_MAX_DIGITS} digits after the point, a half away from zero.",
        _round,
    ),
    _to_whole_steps("floor", "The next whole number that is not greater."),
    _to_whole_steps("ceil", "The next whole number that is not smaller."),
    strict(
        "sign",
        "-1, 0 or 1.",
        *(Overload((kind,), WHOLE, _sign) for kind in NUMBERS),
    ),
    _on_doubles("sqrt", 1, "Square root; fails below 0."),
    _on_doubles("ln", 1, "Natural logarithm; fails at 0 and below."),
    _on_doubles("exp", 1, "e to the power of x."),
    _on_doubles("power", 2, "x to the power of y; fails if the result is not finite."),
    strict("contains", "Whether a text contains a text, or a list an element.", *_contains()),
    strict("list_contains", "Whether a list contains an element.", *_list_contains()),
    strict(
        "len",
        "Number of elements of a list, nulls included.",
        *(Overload((kind,), WHOLE, _length_of_list) for kind in LISTS),
    ),
    Function("list_min", tuple(LISTS.items()), "The smallest element, no null.", _list_min_max),
    Function("list_max", tuple(LISTS.items()), "The largest element, no null.", _list_min_max),
    Function(
        "list_sum",
        tuple((f"{kind}[]", kind) for kind in (WHOLE, DOUBLE)),
        "The sum of the elements; nulls are skipped, null if there is none.",
        _list_sum,
    ),
)
