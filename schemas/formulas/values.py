"""A compiled part of a formula, and the builders for its DuckDB expression.

Every expression built from these is total: DuckDB never raises, whatever the row holds. That
matters, because DuckDB takes expressions shared by two columns out of `try(...)` and evaluates them
before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlglot import exp

from schemas.formulas.kinds import DATE, DOUBLE, INSTANT, TEXT, UNTYPED, WHOLE
from schemas.formulas.problems import FormulaProblem

FIRST_DAY, LAST_DAY = "0001-01-01", "9999-12-31"
_RANGES = {
    DATE: (FIRST_DAY, LAST_DAY),
    INSTANT: (f"{FIRST_DAY} 00:00:00", f"{LAST_DAY} 23:59:59.999999"),
}
_IT = "value_of_formula"


@dataclass(frozen=True)
class Value:
    """A part of a formula: its kind, its expression, and when it fails.

    Expressions may share nodes, as long as the formula is not finished.

    `sql` may be anything, though never an error, where the part fails. `fails` is true on the rows
    where it fails, else false or null; None when it never does. `growth` bounds how many times
    longer a text may be than the texts it is made of. `literal` is the constant, if it is one.
    """

    kind: str
    sql: exp.Expr
    fails: exp.Expr | None = None
    growth: int = 1
    literal: str | int | None = None


def text(content: str) -> exp.Expr:
    return exp.Literal.string(content)


def whole(number: int) -> exp.Expr:
    """A whole number that DuckDB types by itself (INTEGER); for counts and positions."""
    digits = exp.Literal.number(abs(number))
    return exp.Paren(this=exp.Neg(this=digits)) if number < 0 else digits


def call(name: str, *arguments: exp.Expr) -> exp.Expr:
    """A call that is written out as it stands."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def binary(operator: type[exp.Binary], left: exp.Expr, right: exp.Expr) -> exp.Expr:
    return exp.Paren(this=operator(this=left, expression=right))


def chain(operator: type[exp.Binary], parts: Sequence[exp.Expr]) -> exp.Expr:
    """`a + b + c` with brackets around all of it."""
    if len(parts) == 1:
        return parts[0]
    joined = parts[0]
    for part in parts[1:]:
        joined = operator(this=joined, expression=part)
    return exp.Paren(this=joined)


def negated(part: exp.Expr) -> exp.Expr:
    return exp.Paren(this=exp.Neg(this=exp.Paren(this=part)))


def not_(part: exp.Expr) -> exp.Expr:
    return exp.Paren(this=exp.Not(this=exp.Paren(this=part)))


def is_null(part: exp.Expr) -> exp.Expr:
    return exp.Paren(this=exp.Is(this=part, expression=exp.Null()))


def is_known(part: exp.Expr) -> exp.Expr:
    return not_(is_null(part))


def between(part: exp.Expr, low: exp.Expr, high: exp.Expr) -> exp.Expr:
    return exp.Paren(this=exp.Between(this=part, low=low, high=high))


def cast(part: exp.Expr, kind: str) -> exp.Expr:
    return exp.Cast(this=part, to=exp.DataType.build(kind, dialect="duckdb"))


def try_cast(part: exp.Expr, kind: str) -> exp.Expr:
    return exp.TryCast(this=part, to=exp.DataType.build(kind, dialect="duckdb"))


def case(
    branches: Sequence[tuple[exp.Expr, exp.Expr]],
    default: exp.Expr | None,
    operand: exp.Expr | None = None,
) -> exp.Expr:
    ifs = [exp.If(this=condition, true=result) for condition, result in branches]
    return exp.Case(this=operand, ifs=ifs, default=default)


def let(part: exp.Expr, body: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
    """`body` of the part, with the part evaluated once and written once however often it is used.

    Costs about 50 ns a row.
    """
    name = exp.to_identifier(_IT)
    function = exp.Lambda(
        this=body(exp.column(exp.to_identifier(_IT))), expressions=[name], colon=True
    )
    mapped = call("list_transform", call("list_value", part), function)
    return call("list_extract", mapped, whole(1))


def in_range(part: exp.Expr, kind: str) -> exp.Expr:
    """Whether a DATE or TIMESTAMP lies in the years 1 to 9999."""
    low, high = (cast(text(bound), kind) for bound in _RANGES[kind])
    return between(part, low, high)


def comparable(value: Value) -> exp.Expr:
    """What to compare the value by: text by its bytes, whatever collation the session has.

    It also keeps DuckDB 2.0 from an internal error: comparing a text that statistics show to be
    null, such as `case when score > 800 then 'good' end = 'bad'` where no score is above 800.
    """
    return call("encode", value.sql) if value.kind == TEXT else value.sql


def collated(value: Value) -> exp.Expr:
    """The value for a function that compares by itself; text by its bytes."""
    if value.kind != TEXT:
        return value.sql
    return exp.Paren(this=exp.Collate(this=value.sql, expression=exp.Identifier(this="binary")))


def any_fails(parts: Sequence[Value], *own: exp.Expr | None) -> exp.Expr | None:
    """Fails where one of the parts, or one of our own conditions, does."""
    conditions = [part.fails for part in parts if part.fails is not None]
    conditions += [condition for condition in own if condition is not None]
    return chain(exp.Or, conditions) if conditions else None


def nothing_where_known(kind: str, sql: exp.Expr, parts: Sequence[Value]) -> exp.Expr:
    """The condition that an operation went wrong: it is null though no part is; a DOUBLE alike
    when it is not finite.
    """
    needed = [is_known(part.sql) for part in parts if part.literal is None]
    wrong = chain(exp.And, [is_null(sql), *needed])
    if kind != DOUBLE:
        return wrong
    return chain(exp.Or, [not_(call("isfinite", sql)), wrong])


def operation(kind: str, sql: exp.Expr, parts: Sequence[Value], *, may_fail: bool) -> Value:
    """An operation that is null when one of its parts is, and fails when one of them fails.

    With `may_fail` it also fails where `sql` is null (or not finite) though no part is null.
    """
    own = nothing_where_known(kind, sql, parts) if may_fail else None
    growth = max((part.growth for part in parts), default=1)
    return Value(kind, sql, any_fails(parts, own), growth=growth)


def first_decided(steps: Sequence[tuple[Value, exp.Expr | None]]) -> exp.Expr | None:
    """When a series of parts fails that is read from left to right.

    Each step is a part and the condition under which the parts after it do not count.
    """
    last = max((i for i, (part, _) in enumerate(steps) if part.fails is not None), default=-1)
    if last < 0:
        return None
    branches: list[tuple[exp.Expr, exp.Expr]] = []
    for position, (part, decided) in enumerate(steps[: last + 1]):
        if part.fails is not None:
            branches.append((part.fails, exp.true()))
        if decided is not None and position < last:
            branches.append((decided, exp.false()))
    return case(branches, exp.false())


def as_kind(value: Value, kind: str) -> Value:
    """The value widened to a kind that `widens` allows. Never fails by itself."""
    if value.kind == kind:
        return value
    if value.kind == UNTYPED:
        return Value(kind, cast(exp.Null(), kind), literal=value.literal)
    return Value(kind, cast(value.sql, kind), value.fails, literal=value.literal)


def whole_literal(value: Value, low: int, high: int, what: str) -> int:
    """The constant of a value that must be a whole number written out, within bounds."""
    if value.kind == WHOLE and isinstance(value.literal, int) and low <= value.literal <= high:
        return value.literal
    raise FormulaProblem(f"another value as {what}", f"a whole number from {low} to {high}")


def text_literal(value: Value, what: str) -> str:
    """The constant of a value that must be a text written out."""
    if value.kind == TEXT and isinstance(value.literal, str):
        return value.literal
    raise FormulaProblem(f"another value as {what}", "a text written out in the formula")
