"""The rules of one procedure's attributes, compiled to pandera."""

from __future__ import annotations

from collections.abc import Iterable

import pandera.polars as pa
import polars as pl

from schemas.definitions.attribute_types import BY_NAME, AttributeType
from schemas.definitions.procedure import Procedure
from schemas.records.attribute_values import Source, Value, ignored, record_values_of, values_of
from schemas.records.limits import raw
from schemas.records.rule import BUILT_IN, Rule, Severity, compile_schema

POLARS_TYPES: dict[str, pl.DataType | type[pl.DataType]] = {
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
    **{
        kind.sql_type: pl.Struct(
            {name: pl.String if sql_type == "VARCHAR" else pl.Float64 for name, sql_type in members}
        )
        for kind in BY_NAME.values()
        if (members := kind.members)
    },
}

SENTENCES: dict[str, tuple[Severity, str]] = {
    "type": ("null", "`{name}` converts to {type}."),
    "one_value": ("flag", "`{name}` has one value, whichever of its keys it is under."),
    "required": ("flag", "`{name}` is required."),
    "as_text": ("flag", "`{name}` arrives as {shape}, not as text."),
    "isin": ("null", "`{name}` is one of its {n_options} options."),
}
"""The rules an attribute can have, by the end of their ids: severity and sentence.

In a strict procedure what is `null` here is `reject`.
"""

_SHAPES = {
    "number": "a number",
    "month": "a number or a name",
    "boolean": "a boolean",
    "point": "numbers",
}


def record_rules(procedure: Procedure) -> list[Rule]:
    """The rules of the values of a procedure's records."""
    return [
        Rule(
            f"{value.column}:type",
            "flag",
            f"`record.{value.short_id}` converts to {value.type}, and is among its options.",
            value.short_id,
        )
        for value in record_values_of(procedure)
    ]


def attribute_rules(procedure: Procedure) -> list[Rule]:
    """The rules of a procedure's values; with `strict` a bad value rejects its version."""
    when_bad: Severity = "reject" if procedure.strict else "null"
    return [rule for value in values_of(procedure) for rule in _value_rules(value, when_bad)]


def attribute_schema(procedure: Procedure, rules: Iterable[Rule]) -> pa.DataFrameSchema:
    """`rules` compiled to pandera over the columns of `values_of(procedure)` that they read."""
    dtypes: dict[str, pl.DataType | type[pl.DataType]] = {}
    for value in values_of(procedure):
        dtypes[raw(value.column)] = pl.String
        dtypes[ignored(value.column)] = pl.String
        dtypes[value.column] = POLARS_TYPES[BY_NAME[value.type].sql_type]
    return compile_schema(rules, dtypes)


def undeclared_rule(source: Source) -> Rule:
    """The rule about keys that no attribute has; keys are compared, no column is checked."""
    field, stem = ("data", "attr") if source == "data" else ("derivedData", "derived")
    return Rule(
        f"{stem}:*:declared", "flag", f"Every key of `{field}` is a declared attribute.", field
    )


def rule_names(kind: AttributeType) -> list[str]:
    """The ends of the ids of the rules that an attribute of this type can have."""
    names = ["type", "one_value", "required"]
    if kind.shape in _SHAPES:
        names.append("as_text")
    if kind.options or kind.name in ("state", "status"):
        names.append("isin")
    return names


def _value_rules(value: Value, when_bad: Severity) -> list[Rule]:
    kind = BY_NAME[value.type]
    text, typed = pl.col(raw(value.column)), pl.col(value.column)
    checks: dict[str, pl.Expr | pa.Check | None] = {
        "type": typed.is_not_null(),
        "one_value": pl.lit(value=False),
    }
    if value.required:
        checks["required"] = None
    if kind.shape in _SHAPES:
        checks["as_text"] = ~_is_text(text, kind) | typed.is_null()
    if value.options:
        checks["isin"] = (
            typed.list.eval(pl.element().is_in(value.options)).list.all()
            if kind.shape == "list"
            else BUILT_IN.isin(value.options)
        )
    columns = {"isin": value.column, "one_value": ignored(value.column)}
    rules: list[Rule] = []
    for name, passes in checks.items():
        severity, sentence = SENTENCES[name]
        rules.append(
            Rule(
                f"{value.column}:{name}",
                when_bad if severity == "null" else severity,
                sentence.format(
                    name=value.short_id,
                    type=value.type,
                    shape=_SHAPES.get(kind.shape),
                    n_options=len(value.options),
                ),
                value.short_id,
                columns.get(name, raw(value.column)),
                passes,
            )
        )
    return rules


def _is_text(text: pl.Expr, kind: AttributeType) -> pl.Expr:
    """Whether a value that converts arrived as text, where it had better not."""
    match kind.shape:
        case "month":
            return text.str.contains(r'^"[0-9]')
        case "point":
            return text.str.contains(r'^\[.*"|"(lat|lng)"\s*:\s*"')
        case _:
            return text.str.starts_with('"')
