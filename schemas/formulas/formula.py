"""A compiled formula, as other modules use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from schemas.formulas import values
from schemas.formulas.compiler import Compiler
from schemas.formulas.kinds import JSON, KINDS, LISTS, TEXT, UNTYPED, kind_of_column, widens
from schemas.formulas.problems import FormulaProblem, one_of
from schemas.formulas.syntax import parse, too_deep
from schemas.formulas.values import Value, as_kind

_MAX_COMPILED = 20_000


@dataclass(frozen=True)
class Formula:
    """A compiled formula.

    `type` is the DuckDB type of the result. `reads` are the names it reads, as in `columns`; in the
    expressions each is one quoted column of exactly that name. `value` is the result; on a row
    where the formula fails it raises. `checked` never raises: it is the struct `{'v': result}`, or
    null on a row where the formula fails (so `checked.v` is null and `checked is null` tells why).
    """

    text: str
    type: str
    reads: frozenset[str]
    value: exp.Expr
    checked: exp.Expr


def compile_formula(
    text: str,
    columns: Mapping[str, str],
    *,
    names: Mapping[str, str] | None = None,
    expects: str | None = None,
) -> Formula:
    """Compile a formula over columns (name -> DuckDB type).

    Names are matched as written, else without regard to case when only one column fits. `names`
    are further names of columns, such as shortIds that cannot be columns themselves. `expects`
    is the declared type: BIGINT widens to DECIMAL(38,9), both to DOUBLE, DATE to TIMESTAMP, null to
    anything. Raises FormulaProblem for the first problem.
    """
    try:
        compiler = Compiler(columns, names or {})
        result = compiler.value(parse(text))
        return _finished(text, result, frozenset(compiler.reads), expects)
    except RecursionError:
        raise too_deep() from None


def _finished(text: str, result: Value, reads: frozenset[str], expects: str | None) -> Formula:
    kind = kind_of_column(expects) if expects else result.kind
    if kind is None:
        raise FormulaProblem(f"a formula for {expects}", one_of(KINDS))
    if kind == UNTYPED:
        raise FormulaProblem("a formula that is always null", "a value")
    if not widens(result.kind, kind):
        hint = "" if result.kind == JSON or result.kind in LISTS else " (use `cast(x as type)`)"
        raise FormulaProblem(f"a formula that gives {result.kind}", f"{kind}{hint}")
    sql = values.cast(as_kind(result, kind).sql, kind)
    checked = values.call(
        "struct_pack", exp.PropertyEQ(this=exp.to_identifier("v"), expression=sql)
    )
    value = sql
    if result.fails is not None:
        checked = values.case([(result.fails, exp.Null())], checked)
        value = values.case([(result.fails, _raised(kind))], value)
    if any(count > _MAX_COMPILED for count, _ in enumerate(checked.walk())):
        raise FormulaProblem("a formula that is too long once compiled", "a simpler formula")
    # The parts share nodes up to here; a copy has each of its own.
    return Formula(text, kind, reads, value.copy(), checked.copy())


def _raised(kind: str) -> exp.Expr:
    """An expression of the kind that raises when it is evaluated; `error()` may not stand where
    DuckDB needs the same result each time.
    """
    broken = values.cast(values.text("the formula fails on this row"), "INTEGER")
    return values.cast(values.cast(broken, TEXT), kind)
