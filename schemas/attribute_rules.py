"""The rules of one procedure's attributes, compiled to pandera.

A value comes with its JSON text and its typed form side by side (`transforms/attributes.py` makes
both). Rules of the record itself are in `core_record.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandera.polars as pa
import polars as pl

from schemas.attribute_types import BY_NAME
from schemas.definitions import Option, Procedure
from schemas.rules import Rule, Severity, compile_schema

Source = Literal["data", "derived_data"]
DOCUMENTS: tuple[Source, ...] = ("data", "derived_data")
"""The columns of a version that hold its values as JSON."""

_POLARS: dict[str, pl.DataType | type[pl.DataType]] = {
    "VARCHAR": pl.String,
    "JSON": pl.String,
    "BIGINT": pl.Int64,
    "DOUBLE": pl.Float64,
    "DECIMAL(38,9)": pl.Decimal(38, 9),
    "BOOLEAN": pl.Boolean,
    "DATE": pl.Date,
    "TIME": pl.Time,
    "TIMESTAMP": pl.Datetime("us"),
    "VARCHAR[]": pl.List(pl.String),
    "BIGINT[]": pl.List(pl.Int64),
    "DOUBLE[]": pl.List(pl.Float64),
}


@dataclass(frozen=True)
class Value:
    """One attribute or derived attribute as a pair of frame columns.

    `source` is the document it is read from; `column` (`attr:score`, `derived:score`) is also the
    stem of its rule ids.
    """

    id: str
    short_id: str
    type: str
    source: Source
    column: str
    target: str
    options: tuple[Option, ...]
    is_personal: bool
    required: bool = False


def raw(column: str) -> str:
    """The frame column with the JSON text of a value, beside the typed one."""
    return f"{column}:raw"


def values_of(procedure: Procedure) -> list[Value]:
    """Attributes and derived attributes in the order of the definition."""
    entered = [
        Value(
            a.id,
            a.short_id,
            a.type,
            "data",
            f"attr:{a.short_id}",
            a.column,
            a.options,
            a.is_personal,
            a.required,
        )
        for a in procedure.attributes
    ]
    derived = [
        Value(
            d.id,
            d.short_id,
            d.type,
            "derived_data",
            f"derived:{d.short_id}",
            d.column,
            d.options,
            d.is_personal,
        )
        for d in procedure.derived_attributes
    ]
    return entered + derived


def attribute_rules(procedure: Procedure) -> list[Rule]:
    """The rules of a procedure's values; with `strict` a bad value rejects its version."""
    spoiled: Severity = "reject" if procedure.strict else "null"
    return [rule for value in values_of(procedure) for rule in _value_rules(value, spoiled)]


def attribute_schema(procedure: Procedure, rules: list[Rule]) -> pa.DataFrameSchema:
    """`rules` compiled to pandera over the pairs of columns of `values_of(procedure)`."""
    dtypes: dict[str, pl.DataType | type[pl.DataType]] = {}
    for value in values_of(procedure):
        dtypes[raw(value.column)] = pl.String
        dtypes[value.column] = _POLARS[BY_NAME[value.type].sql_type]
    return compile_schema(rules, dtypes)


def undeclared_rule(source: Source) -> Rule:
    """The rule about keys that no attribute has; keys are compared, no column is checked."""
    field, stem = ("data", "attr") if source == "data" else ("derivedData", "derived")
    return Rule(
        f"{stem}:*:declared", "flag", f"Every key of `{field}` is a declared attribute.", field
    )


def _value_rules(value: Value, spoiled: Severity) -> list[Rule]:
    kind = BY_NAME[value.type]
    text, typed = pl.col(raw(value.column)), pl.col(value.column)
    name, stem = value.short_id, value.column
    rules = [
        Rule(
            f"{stem}:type",
            spoiled,
            f"`{name}` converts to {value.type}.",
            name,
            raw(stem),
            typed.is_not_null(),
        )
    ]
    if value.required:
        rules.append(Rule(f"{stem}:required", "flag", f"`{name}` is required.", name, raw(stem)))
    if kind.shape in ("number", "boolean"):
        sentence = f"`{name}` arrives as a {kind.shape}, not as text."
        as_text = ~text.str.starts_with('"') | typed.is_null()
        rules.append(Rule(f"{stem}:as_text", "flag", sentence, name, raw(stem), as_text))
    if value.options:
        allowed = (
            typed.list.eval(pl.element().is_in(value.options)).list.all()
            if kind.shape == "list"
            else typed.is_in(value.options)
        )
        sentence = f"`{name}` is one of its {len(value.options)} options."
        rules.append(Rule(f"{stem}:isin", spoiled, sentence, name, stem, allowed))
    return rules
