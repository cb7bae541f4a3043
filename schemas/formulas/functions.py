"""The model of a function of the language: arguments, result, and how it compiles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlglot import exp

from schemas.formulas.kinds import UNTYPED, widens
from schemas.formulas.problems import FormulaProblem
from schemas.formulas.values import Value, as_kind, operation

Build = Callable[..., exp.Expr]
Compile = Callable[[str, Sequence[Value]], Value]


@dataclass(frozen=True)
class Overload:
    """One form of a function: the kinds it takes and gives.

    `build` makes the expression from those of the arguments; null when an argument is null. With
    `may_fail` it is also null (or not finite) where the function fails.
    """

    takes: tuple[str, ...]
    gives: str
    build: Build
    may_fail: bool = False


@dataclass(frozen=True)
class Function:
    """A function: how it is written, what it says in one line, and its forms.

    `forms` are shown in the documentation (arguments, result). `compile` takes the name as written
    and the compiled arguments, and raises FormulaProblem when they do not fit.
    """

    name: str
    forms: tuple[tuple[str, str], ...]
    says: str
    compile: Compile


def strict(name: str, says: str, *overloads: Overload) -> Function:
    """A function that is null when an argument is null, and picks its form by the kinds."""

    def compile_call(_: str, arguments: Sequence[Value]) -> Value:
        overload = pick(name, overloads, arguments)
        values = [as_kind(v, kind) for v, kind in zip(arguments, overload.takes, strict=True)]
        sql = overload.build(*(value.sql for value in values))
        return operation(overload.gives, sql, values, may_fail=overload.may_fail)

    forms = tuple((", ".join(o.takes), o.gives) for o in overloads)
    return Function(name, forms, says, compile_call)


def pick(name: str, overloads: Sequence[Overload], arguments: Sequence[Value]) -> Overload:
    """The first form whose kinds are those of the arguments, else the first they widen to."""
    kinds = [argument.kind for argument in arguments]
    for fits in (_is_same, widens):
        for overload in overloads:
            if len(overload.takes) == len(kinds) and all(map(fits, kinds, overload.takes)):
                return overload
    forms = " or ".join(f"`{name}({', '.join(o.takes)})`" for o in overloads)
    raise FormulaProblem(f"`{name}({', '.join(kinds)})`", forms)


def check_count(name: str, arguments: Sequence[Value], low: int, high: int) -> None:
    """Refuse a call with too few or too many arguments."""
    if not low <= len(arguments) <= high:
        some = str(low) if low == high else f"{low} to {high}"
        raise FormulaProblem(f"`{name}` with {len(arguments)} arguments", f"{some} arguments")


def _is_same(kind: str, target: str) -> bool:
    return kind in (target, UNTYPED)
