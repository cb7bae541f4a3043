"""Functions that choose among their arguments."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from schemas.formulas.functions import Function, check_count
from schemas.formulas.kinds import BOOLEAN, DATE, INSTANT, JSON, LISTS, TEXT, TIME, UNTYPED, widest
from schemas.formulas.problems import FormulaProblem
from schemas.formulas.values import (
    Value,
    any_fails,
    as_kind,
    call,
    case,
    cast,
    collated,
    comparable,
    first_decided,
    is_known,
)

_MAX_ARGUMENTS = 50
_WRITTEN_OUT = {
    DATE: "a day, such as `date '2026-01-31'`",
    INSTANT: "an instant, such as `timestamp '2026-01-31 09:30:00'`",
    TIME: "a time, such as `time '09:30:00'`",
    JSON: "a text of it: `json_text(x, 'member')`",
}


def common_kind(what: str, values: Sequence[Value]) -> str:
    """The kind all values widen to. Raises FormulaProblem when there is none."""
    kind = widest(value.kind for value in values)
    if kind is None:
        kinds = ", ".join(value.kind for value in values)
        raise FormulaProblem(
            f"{what} of {kinds}", "values of one type, or numbers (use `cast(x as type)`)"
        )
    return kind


def compared_kind(what: str, values: Sequence[Value]) -> str:
    """The kind in which values are compared; lists, JSON and a bare null have none."""
    kinds = {value.kind for value in values}
    if TEXT in kinds and kinds & _WRITTEN_OUT.keys():
        kind = min(kinds & _WRITTEN_OUT.keys())
        raise FormulaProblem(f"{what} of {kind} and VARCHAR", f"{_WRITTEN_OUT[kind]}")
    kind = common_kind(what, values)
    if kind in (JSON, UNTYPED) or kind in LISTS:
        raise FormulaProblem(f"{what} of {kind}", "numbers, texts, times or truth values")
    return kind


def truth(value: Value, what: str) -> Value:
    """The value as BOOLEAN. Raises FormulaProblem when it is something else."""
    if value.kind not in (BOOLEAN, UNTYPED):
        raise FormulaProblem(f"{what} that is {value.kind}", "a comparison or another BOOLEAN")
    return as_kind(value, BOOLEAN)


def choose(
    branches: Sequence[tuple[Value, Value]], default: Value | None, operand: Value | None = None
) -> Value:
    """`case`: the first branch whose condition is true; conditions and results that are not
    reached do not count, so they do not fail either.
    """
    results = [result for _, result in branches] + ([default] if default else [])
    kind = common_kind("`case` with results", results)
    written = [comparable(c) if operand else c.sql for c, _ in branches]
    sql = case(
        [(when, as_kind(result, kind).sql) for when, result in zip(written, results, strict=False)],
        as_kind(default, kind).sql if default else None,
        comparable(operand) if operand else None,
    )
    parts = [*results, *(condition for condition, _ in branches), *([operand] if operand else [])]
    fails = None
    if any(part.fails is not None for part in parts):
        fails = _fails_in_order(branches, default, operand)
    return Value(kind, sql, fails, growth=max(result.growth for result in results))


def _fails_in_order(
    branches: Sequence[tuple[Value, Value]], default: Value | None, operand: Value | None
) -> exp.Expr:
    steps: list[tuple[exp.Expr, exp.Expr]] = []
    if operand and operand.fails is not None:
        steps.append((operand.fails, exp.true()))
    for condition, result in branches:
        if condition.fails is not None:
            steps.append((condition.fails, exp.true()))
        is_met = condition.sql
        if operand:
            is_same = exp.EQ(this=comparable(operand), expression=comparable(condition))
            is_met = exp.Paren(this=is_same)
        steps.append((is_met, _fails_of(result)))
    return case(steps, _fails_of(default))


def _fails_of(part: Value | None) -> exp.Expr:
    return part.fails if part and part.fails is not None else exp.false()


def _if(name: str, arguments: Sequence[Value]) -> Value:
    check_count(name, arguments, 2, 3)
    condition, result, *default = arguments
    return choose([(truth(condition, "a condition"), result)], default[0] if default else None)


def _coalesce(name: str, arguments: Sequence[Value]) -> Value:
    check_count(name, arguments, 1, _MAX_ARGUMENTS)
    kind = common_kind(f"`{name}`", arguments)
    values = [as_kind(value, kind) for value in arguments]
    fails = first_decided([(value, is_known(value.sql)) for value in values])
    growth = max(value.growth for value in values)
    return Value(kind, call("coalesce", *(v.sql for v in values)), fails, growth=growth)


def _nullif(name: str, arguments: Sequence[Value]) -> Value:
    check_count(name, arguments, 2, 2)
    kind = compared_kind(f"`{name}`", arguments)
    value, other = (as_kind(argument, kind) for argument in arguments)
    is_same = exp.EQ(this=comparable(value), expression=comparable(other))
    # Not DuckDB's `nullif`: that compares by the collation of the session.
    sql = case([(exp.Paren(this=is_same), cast(exp.Null(), kind))], value.sql)
    return Value(kind, sql, any_fails([value, other]), growth=value.growth)


def _extreme(name: str, arguments: Sequence[Value]) -> Value:
    check_count(name, arguments, 1, _MAX_ARGUMENTS)
    kind = compared_kind(f"`{name}`", arguments)
    values = [as_kind(value, kind) for value in arguments]
    sql = cast(call(name, *(collated(value) for value in values)), kind)
    return Value(kind, sql, any_fails(values), growth=max(value.growth for value in values))


FUNCTIONS = (
    Function(
        "if",
        (("BOOLEAN, x", "as x"), ("BOOLEAN, x, y", "as x and y")),
        "x where the condition is true; y (or null) where it is false or null.",
        _if,
    ),
    Function("coalesce", (("x, y, ...", "as x and y"),), "The first that is not null.", _coalesce),
    Function("nullif", (("x, y", "as x and y"),), "x; null where it equals y.", _nullif),
    Function(
        "greatest", (("x, y, ...", "as x and y"),), "The largest; nulls are skipped.", _extreme
    ),
    Function("least", (("x, y, ...", "as x and y"),), "The smallest; nulls are skipped.", _extreme),
)
