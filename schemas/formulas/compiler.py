"""Compiles the checked tree of a formula to a typed DuckDB expression."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast as typed

from sqlglot import exp

from schemas.formulas import arithmetic, leaves, values
from schemas.formulas.casts import cast_value, target_of
from schemas.formulas.functions_choice import choose, compared_kind, truth
from schemas.formulas.functions_dates import EXTRACTED
from schemas.formulas.functions_text import check_growth
from schemas.formulas.kinds import (
    BOOLEAN,
    TEXT,
    UNTYPED,
)
from schemas.formulas.library import FUNCTIONS
from schemas.formulas.patterns import check_like
from schemas.formulas.problems import FormulaProblem, one_of, quoted
from schemas.formulas.syntax import is_chain, name_of
from schemas.formulas.values import Value, any_fails, as_kind, comparable, operation


class Compiler:
    """Compiles node by node; `reads` collects the names."""

    def __init__(self, columns: Mapping[str, str], names: Mapping[str, str]) -> None:
        self._columns = columns
        self._names = names
        self.reads: set[str] = set()

    def value(self, node: exp.Expr) -> Value:
        return _COMPILED[type(node)](self, node) if type(node) in _COMPILED else _misplaced(node)

    def parts(self, nodes: Sequence[exp.Expr]) -> list[Value]:
        return [self.value(node) for node in nodes]

    def sides(self, node: exp.Expr) -> tuple[Value, Value]:
        return self.value(_part(node, "this")), self.value(_part(node, "expression"))

    def flat(self, node: exp.Expr) -> list[exp.Expr]:
        """The parts of a chain such as `a and b and c`."""
        parts: list[exp.Expr] = []
        here = node
        while is_chain(node, here) or here is node:
            parts.append(_part(here, "expression"))
            node, here = here, _part(here, "this")
        return [here, *reversed(parts)]

    def column(self, node: exp.Expr) -> Value:
        written = name_of(typed(exp.Column, node))
        name = leaves.match_name(written, self._columns, self._names)
        self.reads.add(name)
        return leaves.read_column(name, self._columns[name])

    def literal(self, node: exp.Expr) -> Value:
        if node.is_string:
            return Value(TEXT, values.text(node.name), literal=node.name)
        return leaves.read_number(node.name)

    def boolean(self, node: exp.Expr) -> Value:
        return Value(BOOLEAN, exp.true() if node.this else exp.false())

    def null(self, _: exp.Expr) -> Value:
        return Value(UNTYPED, exp.Null())

    def paren(self, node: exp.Expr) -> Value:
        return self.value(_part(node, "this"))

    def negative(self, node: exp.Expr) -> Value:
        return arithmetic.negate(self.value(_part(node, "this")))

    def sum(self, node: exp.Expr) -> Value:
        terms: list[tuple[bool, Value]] = []
        here = node
        while isinstance(here, exp.Add | exp.Sub):
            right = _part(here, "expression")
            if isinstance(right, exp.Interval):
                break
            terms.append((isinstance(here, exp.Sub), self.value(right)))
            here = _part(here, "this")
        if isinstance(here, exp.Add | exp.Sub):
            interval = typed(exp.Interval, _part(here, "expression"))
            moved = self.value(_part(here, "this"))
            first = arithmetic.shift(moved, interval, back=isinstance(here, exp.Sub))
        else:
            first = self.value(here)
        return arithmetic.add([(False, first), *reversed(terms)]) if terms else first

    def product(self, node: exp.Expr) -> Value:
        return arithmetic.multiply(*self.sides(node))

    def quotient(self, node: exp.Expr) -> Value:
        return arithmetic.divide(*self.sides(node))

    def whole_quotient(self, node: exp.Expr) -> Value:
        return arithmetic.divide_whole(typed(type[exp.Binary], type(node)), *self.sides(node))

    def joined(self, node: exp.Expr) -> Value:
        parts = self.parts(self.flat(node))
        if any(part.kind not in (TEXT, UNTYPED) for part in parts):
            kinds = ", ".join(part.kind for part in parts)
            raise FormulaProblem(f"`||` of {kinds}", "texts (`cast(x as varchar)`)")
        texts = [as_kind(part, TEXT) for part in parts]
        made = operation(
            TEXT, values.chain(exp.DPipe, [t.sql for t in texts]), texts, may_fail=False
        )
        growth = check_growth(sum(part.growth for part in texts))
        return Value(TEXT, made.sql, made.fails, growth=growth)

    def connected(self, node: exp.Expr) -> Value:
        """`and`, `or`: read from left to right; parts after the deciding one do not count."""
        word = "and" if isinstance(node, exp.And) else "or"
        parts = [truth(part, f"a part of `{word}`") for part in self.parts(self.flat(node))]
        decided = [values.not_(part.sql) if word == "and" else part.sql for part in parts]
        kind = exp.And if word == "and" else exp.Or
        return Value(
            BOOLEAN,
            values.chain(kind, [part.sql for part in parts]),
            values.first_decided(list(zip(parts, decided, strict=True))),
        )

    def inverted(self, node: exp.Expr) -> Value:
        part = truth(self.value(_part(node, "this")), "`not` of a value")
        return operation(BOOLEAN, values.not_(part.sql), [part], may_fail=False)

    def compared(self, node: exp.Expr) -> Value:
        left, right = self._comparable("a comparison", self.sides(node))
        operator = typed(type[exp.Binary], type(node))
        sql = values.binary(operator, comparable(left), comparable(right))
        return Value(BOOLEAN, sql, any_fails([left, right]))

    def _comparable(self, what: str, parts: Sequence[Value]) -> list[Value]:
        if any(part.kind == UNTYPED for part in parts):
            raise FormulaProblem(f"{what} with null", "`is null`, `is not null`")
        kind = compared_kind(what, parts)
        if kind == BOOLEAN and what == "`between`":
            raise FormulaProblem(f"{what} of {kind}", "numbers, texts or times")
        return [as_kind(part, kind) for part in parts]

    def is_(self, node: exp.Expr) -> Value:
        part, what = self.value(_part(node, "this")), _part(node, "expression")
        if isinstance(what, exp.Boolean):
            part = truth(part, "`is true` of a value")
        elif not isinstance(what, exp.Null):
            raise FormulaProblem(f"`is {what.sql(dialect='duckdb')}`", "`is null`, `is true`")
        sql = exp.Paren(this=exp.Is(this=part.sql, expression=what))
        return Value(BOOLEAN, sql, any_fails([part]))

    def between(self, node: exp.Expr) -> Value:
        parts = self.parts([_part(node, key) for key in ("this", "low", "high")])
        sides = self._comparable("`between`", parts)
        return Value(BOOLEAN, values.between(*map(comparable, sides)), any_fails(sides))

    def in_(self, node: exp.Expr) -> Value:
        parts = self.parts([_part(node, "this"), *node.expressions])
        if len(parts) == 1:
            raise FormulaProblem("`in` without values", "`x in ('a', 'b')`")
        first, *others = self._comparable("`in`", parts)
        sql = exp.In(this=comparable(first), expressions=[comparable(value) for value in others])
        return Value(BOOLEAN, exp.Paren(this=sql), any_fails([first, *others]))

    def like(self, node: exp.Expr) -> Value:
        content, pattern = self.sides(node)
        if content.kind != TEXT:
            raise FormulaProblem(f"`like` of {content.kind}", "a text (VARCHAR)")
        written = values.text_literal(pattern, "the pattern of `like`")
        check_like(written)
        matched = exp.ILike if isinstance(node, exp.ILike) else exp.Like
        sql = values.binary(matched, content.sql, values.text(written))
        return operation(
            BOOLEAN, values.not_(sql) if node.args.get("negate") else sql, [content], may_fail=False
        )

    def cased(self, node: exp.Expr) -> Value:
        ifs: list[exp.Expr] = node.args["ifs"]
        conditions = self.parts([_part(branch, "this") for branch in ifs])
        results = self.parts([_part(branch, "true") for branch in ifs])
        default = self.value(node.args["default"]) if node.args.get("default") else None
        operand = self.value(node.this) if node.this else None
        if operand:
            operand, *conditions = self._comparable("`case x when`", [operand, *conditions])
        else:
            conditions = [truth(condition, "a condition") for condition in conditions]
        return choose(list(zip(conditions, results, strict=True)), default, operand)

    def casted(self, node: exp.Expr) -> Value:
        target = target_of(typed(exp.Cast, node))
        return cast_value(self.value(_part(node, "this")), target)

    def extracted(self, node: exp.Expr) -> Value:
        unit = node.this.name.lower()
        if unit not in EXTRACTED:
            raise FormulaProblem(f"extract {quoted(unit)}", one_of(EXTRACTED, unit))
        part = self.value(_part(node, "expression"))
        return FUNCTIONS[EXTRACTED[unit]].compile(unit, [part])

    def called(self, node: exp.Expr) -> Value:
        name = str(node.this).lower()
        if name not in FUNCTIONS:
            raise FormulaProblem(f"unknown function {quoted(name)}", one_of(FUNCTIONS, name))
        return FUNCTIONS[name].compile(name, self.parts(node.expressions))


def _part(node: exp.Expr, key: str) -> exp.Expr:
    return typed(exp.Expr, node.args[key])


def _misplaced(node: exp.Expr) -> Value:
    if isinstance(node, exp.Interval):
        raise FormulaProblem("an interval by itself", "`x + interval '3 days'` of a day or instant")
    raise FormulaProblem(quoted(type(node).__name__.lower()), "an expression")


_COMPILED: dict[type[exp.Expr], Callable[[Compiler, exp.Expr], Value]] = {
    exp.Column: Compiler.column,
    exp.Literal: Compiler.literal,
    exp.Boolean: Compiler.boolean,
    exp.Null: Compiler.null,
    exp.Paren: Compiler.paren,
    exp.Neg: Compiler.negative,
    exp.Add: Compiler.sum,
    exp.Sub: Compiler.sum,
    exp.Mul: Compiler.product,
    exp.Div: Compiler.quotient,
    exp.IntDiv: Compiler.whole_quotient,
    exp.Mod: Compiler.whole_quotient,
    exp.DPipe: Compiler.joined,
    exp.And: Compiler.connected,
    exp.Or: Compiler.connected,
    exp.Not: Compiler.inverted,
    exp.Is: Compiler.is_,
    exp.Between: Compiler.between,
    exp.In: Compiler.in_,
    exp.Like: Compiler.like,
    exp.ILike: Compiler.like,
    exp.Case: Compiler.cased,
    exp.Cast: Compiler.casted,
    exp.Extract: Compiler.extracted,
    exp.Anonymous: Compiler.called,
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE), Compiler.compared),
    **dict.fromkeys((exp.NullSafeEQ, exp.NullSafeNEQ), Compiler.compared),
}
