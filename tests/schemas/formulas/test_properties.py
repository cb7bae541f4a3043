"""Random formulas on random rows give what a naive evaluator in Python gives."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from schemas.formulas import compile_formula
from tests.support.formula_rows import FAILS, connect, results, values_table

Row = dict[str, Any]

COLUMNS = {
    "a": "BIGINT",
    "b": "BIGINT",
    "x": "DOUBLE",
    "y": "DOUBLE",
    "m": "DECIMAL(38,9)",
    "s": "VARCHAR",
    "u": "VARCHAR",
    "p": "BOOLEAN",
    "q": "BOOLEAN",
}
_WHOLE, _DOUBLE, _DECIMAL = "BIGINT", "DOUBLE", "DECIMAL(38,9)"
_LADDER = (_WHOLE, _DECIMAL, _DOUBLE)
_LOWEST, _HIGHEST = -(2**63), 2**63 - 1
_NINE = Decimal("1e-9")

_CELLS: dict[str, Sequence[Any]] = {
    "BIGINT": (None, 0, 1, -1, 2, 3, -7, 10, 4_000_000_000, -(2**62), _HIGHEST, _LOWEST),
    "DOUBLE": (None, 0.0, 1.0, -1.0, 0.1, 2.5, -3.75, 1e15, 1e300, -1e300, 1e-300, math.inf),
    "DECIMAL(38,9)": tuple(
        value if value is None else Decimal(value)
        for value in (None, "0", "1", "-2.5", "0.000000001", "99.99", "1e12", "-1e19", "1e27")
    ),
    "VARCHAR": (None, "", "a", "A", "ab", "ba", "é"),
    "BOOLEAN": (None, True, False),
}


class Failure(Exception):
    """The formula has no result on this row."""


@dataclass(frozen=True)
class Part:
    """A formula and what it gives for a row: a value, None, or Failure."""

    text: str
    kind: str
    result: Callable[[Row], Any]


def exact(number: Decimal) -> Decimal:
    with localcontext(Context(prec=100)):
        return number.quantize(_NINE, rounding=ROUND_HALF_UP)


def settled(value: Any, kind: str) -> Any:
    """The value if it fits its kind."""
    if kind == _WHOLE and not _LOWEST <= value <= _HIGHEST:
        raise Failure
    if kind == _DOUBLE and not math.isfinite(value):
        raise Failure
    if kind == _DECIMAL and abs(value) >= Decimal("1e29"):
        raise Failure
    return value


def widened(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == _DOUBLE:
        return float(value)
    return Decimal(value) if kind == _DECIMAL else value


def column(name: str) -> Part:
    kind = COLUMNS[name]

    def result(row: Row) -> Any:
        value = row[name]
        return value if value is None else settled(value, kind) if kind in _LADDER else value

    return Part(name, kind, result)


def constant(value: Any) -> Part:
    if isinstance(value, str):
        return Part(f"'{value}'", "VARCHAR", lambda _: value)
    if isinstance(value, bool):
        return Part(str(value).lower(), "BOOLEAN", lambda _: value)
    if isinstance(value, int):
        return Part(str(value), _WHOLE, lambda _: value)
    if isinstance(value, float):
        return Part(f"{value:e}", _DOUBLE, lambda _: value)
    return Part(f"{value:f}", _DECIMAL, lambda _: value)


def widest(parts: Sequence[Part]) -> str:
    return max((part.kind for part in parts), key=_LADDER.index)


def all_of(parts: Sequence[Part], row: Row, kind: str) -> list[Any] | None:
    """The values of all parts, widened; None when one is null. A failure comes first."""
    values = [part.result(row) for part in parts]
    if any(value is None for value in values):
        return None
    return [widened(value, kind) for value in values]


def total(first: Part, others: Sequence[tuple[str, Part]]) -> Part:
    parts = [first, *(part for _, part in others)]
    kind = widest(parts)

    def result(row: Row) -> Any:
        values = all_of(parts, row, kind)
        if values is None:
            return None
        if kind == _DECIMAL and any(abs(value) >= Decimal("1e26") for value in values):
            raise Failure
        with localcontext(Context(prec=100)):
            found = values[0]
            for (sign, _), value in zip(others, values[1:], strict=True):
                found = found + value if sign == "+" else found - value
        return settled(found, kind)

    text = first.text + "".join(f" {sign} {part.text}" for sign, part in others)
    return Part(f"({text})", kind, result)


def times(left: Part, right: Part) -> Part:
    kind = widest([left, right])

    def result(row: Row) -> Any:
        values = all_of([left, right], row, kind)
        if values is None:
            return None
        a, b = values
        if kind == _DECIMAL:
            if not abs(float(a) * float(b)) < 1e19:
                raise Failure
            with localcontext(Context(prec=100)):
                return exact(a * b)
        return settled(a * b, kind)

    return Part(f"({left.text} * {right.text})", kind, result)


def over(left: Part, right: Part) -> Part:
    def result(row: Row) -> Any:
        values = all_of([left, right], row, _DOUBLE)
        if values is None:
            return None
        if values[1] == 0:
            raise Failure
        return settled(values[0] / values[1], _DOUBLE)

    return Part(f"({left.text} / {right.text})", _DOUBLE, result)


def cut(sign: str, left: Part, right: Part) -> Part:
    def result(row: Row) -> Any:
        values = all_of([left, right], row, _WHOLE)
        if values is None:
            return None
        a, b = values
        if b == 0:
            raise Failure
        quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
        return settled(quotient if sign == "//" else a - quotient * b, _WHOLE)

    return Part(f"({left.text} {sign} {right.text})", _WHOLE, result)


def minus(part: Part) -> Part:
    def result(row: Row) -> Any:
        value = part.result(row)
        return (
            value
            if value is None
            else settled(value.copy_negate() if isinstance(value, Decimal) else -value, part.kind)
        )

    return Part(f"(-{part.text})", part.kind, result)


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _key(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value


def common(parts: Sequence[Part]) -> str:
    return widest(parts) if parts[0].kind in _LADDER else parts[0].kind


def compare(sign: str, left: Part, right: Part) -> Part:
    kind = common([left, right])

    def result(row: Row) -> Any:
        values = all_of([left, right], row, kind)
        return None if values is None else _COMPARE[sign](*map(_key, values))

    return Part(f"({left.text} {sign} {right.text})", "BOOLEAN", result)


def is_in(first: Part, others: Sequence[Part]) -> Part:
    kind = common([first, *others])

    def result(row: Row) -> Any:
        value, *options = (widened(part.result(row), kind) for part in (first, *others))
        if value is None:
            return None
        if value in [option for option in options if option is not None]:
            return True
        return None if None in options else False

    options = ", ".join(part.text for part in others)
    return Part(f"({first.text} in ({options}))", "BOOLEAN", result)


def connect_parts(word: str, parts: Sequence[Part]) -> Part:
    deciding = word == "or"

    def result(row: Row) -> Any:
        found: Any = not deciding
        for part in parts:
            value = part.result(row)
            if value is deciding:
                return deciding
            if value is None:
                found = None
        return found

    return Part(f"({f' {word} '.join(p.text for p in parts)})", "BOOLEAN", result)


def inverted(part: Part) -> Part:
    def result(row: Row) -> Any:
        value = part.result(row)
        return None if value is None else not value

    return Part(f"(not {part.text})", "BOOLEAN", result)


def is_null(part: Part) -> Part:
    return Part(f"({part.text} is null)", "BOOLEAN", lambda row: part.result(row) is None)


def chosen(branches: Sequence[tuple[Part, Part]], default: Part | None) -> Part:
    results_ = [part for _, part in branches] + ([default] if default else [])
    kind = common(results_)

    def result(row: Row) -> Any:
        for condition, part in branches:
            if condition.result(row):
                return widened(part.result(row), kind)
        return widened(default.result(row), kind) if default else None

    text = "".join(f" when {c.text} then {r.text}" for c, r in branches)
    return Part(f"case{text}{f' else {default.text}' if default else ''} end", kind, result)


def coalesced(parts: Sequence[Part]) -> Part:
    kind = common(parts)

    def result(row: Row) -> Any:
        for part in parts:
            value = part.result(row)
            if value is not None:
                return widened(value, kind)
        return None

    return Part(f"coalesce({', '.join(part.text for part in parts)})", kind, result)


def null_if(left: Part, right: Part) -> Part:
    kind = common([left, right])

    def result(row: Row) -> Any:
        a, b = (widened(part.result(row), kind) for part in (left, right))
        return None if a is not None and a == b else a

    return Part(f"nullif({left.text}, {right.text})", kind, result)


def extreme(name: str, parts: Sequence[Part]) -> Part:
    kind = common(parts)

    def result(row: Row) -> Any:
        values = [widened(part.result(row), kind) for part in parts]
        known = [value for value in values if value is not None]
        return {"greatest": max, "least": min}[name](known, key=_key) if known else None

    return Part(f"{name}({', '.join(part.text for part in parts)})", kind, result)


def joined(parts: Sequence[Part]) -> Part:
    def result(row: Row) -> Any:
        values = all_of(parts, row, "VARCHAR")
        return None if values is None else "".join(values)

    return Part(f"({' || '.join(part.text for part in parts)})", "VARCHAR", result)


def _leaf(kind: str, constants: Sequence[Any]) -> st.SearchStrategy[Part]:
    names = [name for name, of in COLUMNS.items() if of == kind]
    return st.sampled_from(names * 2).map(column) | st.sampled_from(constants).map(constant)


@st.composite
def parts(draw: st.DrawFn, kind: str, depth: int) -> Part:
    """A part of the kind; numbers are mixed at the bottom, so that widening happens."""
    if depth == 0 or draw(st.integers(0, 5)) == 0:
        return draw(_LEAVES[kind])
    some = parts(kind, depth - 1)
    if kind in _LADDER:
        # What widens to the kind, with the kind itself in front.
        some |= parts(draw(st.sampled_from(_LADDER[: _LADDER.index(kind) + 1])), depth - 1)
    truth = parts("BOOLEAN", depth - 1)
    forms: list[st.SearchStrategy[Part]] = [
        st.builds(
            chosen, st.lists(st.tuples(truth, some), min_size=1, max_size=2), some | st.none()
        ),
        st.lists(some, min_size=1, max_size=3).map(coalesced),
    ]
    if kind == "BOOLEAN":
        other = parts(draw(st.sampled_from([*_LADDER, "VARCHAR"])), depth - 1)
        forms = [
            st.builds(compare, st.sampled_from(list(_COMPARE)), other, other),
            st.builds(is_in, other, st.lists(other, min_size=1, max_size=3)),
            st.builds(
                connect_parts,
                st.sampled_from(["and", "or"]),
                st.lists(some, min_size=2, max_size=3),
            ),
            st.builds(inverted, some),
            st.builds(is_null, other),
            *forms,
        ]
    else:
        forms += [
            st.builds(null_if, some, some),
            st.builds(
                extreme,
                st.sampled_from(["greatest", "least"]),
                st.lists(some, min_size=1, max_size=3),
            ),
        ]
    if kind == "VARCHAR":
        forms.append(st.lists(some, min_size=2, max_size=3).map(joined))
    if kind in _LADDER:
        signed = st.tuples(st.sampled_from("+-"), some)
        forms += [
            st.builds(total, some, st.lists(signed, min_size=1, max_size=3)),
            st.builds(times, some, some),
            st.builds(minus, some),
        ]
    if kind == _WHOLE:
        forms.append(st.builds(cut, st.sampled_from(["//", "%"]), some, some))
    if kind == _DOUBLE:
        forms.append(st.builds(over, some, some))
    return draw(st.one_of(forms))


_LEAVES = {
    _WHOLE: _leaf(_WHOLE, (0, 1, 2, 7, _HIGHEST)),
    _DOUBLE: _leaf(_DOUBLE, (0.0, 0.5, 3.0, 1e200)),
    _DECIMAL: _leaf(_DECIMAL, (Decimal("0.5"), Decimal("12.25"))),
    "VARCHAR": _leaf("VARCHAR", ("", "a", "b")),
    "BOOLEAN": _leaf("BOOLEAN", (True, False)),
}
_ROWS = st.lists(
    st.fixed_dictionaries({name: st.sampled_from(_CELLS[kind]) for name, kind in COLUMNS.items()}),
    min_size=12,
    max_size=12,
)


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    return connect()


def _cell(value: Any) -> str:
    if value is None:
        return "null"
    return (
        f"'{value}'"
        if isinstance(value, str)
        else f"'{value:f}'"
        if isinstance(value, Decimal)
        else f"'{value!r}'"
    )


def _expected(part: Part, row: Row) -> Any:
    try:
        return part.result(row)
    except Failure:
        return FAILS


@settings(
    max_examples=120,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    part=st.sampled_from([*_LADDER, "VARCHAR", "BOOLEAN"]).flatmap(lambda kind: parts(kind, 3)),
    rows=_ROWS,
)
def test_duckdb_gives_what_the_naive_evaluator_gives(
    con: duckdb.DuckDBPyConnection, part: Part, rows: list[Row]
) -> None:
    values_table(con, COLUMNS, [[_cell(row[name]) for name in COLUMNS] for row in rows])
    formula = compile_formula(part.text, COLUMNS)
    assert formula.type == part.kind
    found = results(con, formula)
    for row, result in zip(rows, found, strict=True):
        expected = _expected(part, row)
        assert result == expected, (part.text, row)
        assert type(result) is type(expected), (part.text, row)
