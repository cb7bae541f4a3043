"""The rules of one procedure's attributes, compiled to pandera.

A value comes with its JSON text and its typed form side by side (`transforms/attributes.py` makes
both). Rules of the record itself are in `core_record.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pandera.polars as pa
import polars as pl

from schemas.attribute_types import BY_NAME, AttributeType
from schemas.core_record import STATUSES
from schemas.definition_values import Option
from schemas.definitions import Attribute, DerivedAttribute, Procedure, RecordAttribute
from schemas.rules import Rule, Severity, compile_schema

_Declared = Attribute | DerivedAttribute | RecordAttribute

Source = Literal["data", "derived_data"]
DOCUMENTS: tuple[Source, ...] = ("data", "derived_data")
"""The columns of a version that hold its values as JSON."""

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


@dataclass(frozen=True)
class Value:
    """One attribute or derived attribute as a pair of frame columns.

    `source` is the document it is read from; `column` (`attr:score`, `derived:score`) is also the
    stem of its rule ids. `options` are all values there may be (empty: any), `names` what each
    other way of writing one means, in lower case.
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
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    aliases: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys it may stand under in a document; the first that is there counts."""
        return self.id, self.short_id, *self.aliases

    @property
    def columns(self) -> dict[str, str]:
        """The columns of the wide table that hold the value, with their types."""
        return BY_NAME[self.type].columns(self.target)


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
            _options(a, procedure),
            a.is_personal,
            a.required,
            _names(a, procedure),
            a.aliases,
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
            d.supplied_column,
            _options(d, procedure),
            d.is_personal,
            names=_names(d, procedure),
            aliases=d.aliases,
        )
        for d in procedure.derived_attributes
    ]
    return entered + derived


def record_values_of(procedure: Procedure) -> list[Value]:
    """Record attributes in the order of the definition, as members of an object `data`."""
    return [
        Value(
            r.id,
            r.short_id,
            r.type,
            "data",
            f"record:{r.short_id}",
            r.column,
            _options(r, procedure),
            r.is_personal,
            names=_names(r, procedure),
            aliases=r.aliases,
        )
        for r in procedure.record_attributes
    ]


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
    spoiled: Severity = "reject" if procedure.strict else "null"
    return [rule for value in values_of(procedure) for rule in _value_rules(value, spoiled)]


def attribute_schema(procedure: Procedure, rules: list[Rule]) -> pa.DataFrameSchema:
    """`rules` compiled to pandera over the pairs of columns of `values_of(procedure)`."""
    dtypes: dict[str, pl.DataType | type[pl.DataType]] = {}
    for value in values_of(procedure):
        dtypes[raw(value.column)] = pl.String
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
    names = ["type", "required"]
    if kind.shape in _SHAPES:
        names.append("as_text")
    if kind.options or kind.name in ("state", "status"):
        names.append("isin")
    return names


def _options(attribute: _Declared, procedure: Procedure) -> tuple[Option, ...]:
    match attribute.type:
        case "state":
            return tuple(state.short_id for state in procedure.states)
        case "status":
            return STATUSES
        case _:
            return attribute.options


def _names(attribute: _Declared, procedure: Procedure) -> Mapping[str, str]:
    if not BY_NAME[attribute.type].conversion.of_states:
        return {}
    by_id = {state.id.lower(): state.short_id for state in procedure.states}
    return by_id | {state.short_id.lower(): state.short_id for state in procedure.states}


def _value_rules(value: Value, spoiled: Severity) -> list[Rule]:
    kind = BY_NAME[value.type]
    text, typed = pl.col(raw(value.column)), pl.col(value.column)
    checks: dict[str, pl.Expr | None] = {"type": typed.is_not_null()}
    if value.required:
        checks["required"] = None
    if kind.shape in _SHAPES:
        checks["as_text"] = ~_is_text(text, kind) | typed.is_null()
    if value.options:
        checks["isin"] = (
            typed.list.eval(pl.element().is_in(value.options)).list.all()
            if kind.shape == "list"
            else typed.is_in(value.options)
        )
    rules: list[Rule] = []
    for name, passes in checks.items():
        severity, sentence = SENTENCES[name]
        rules.append(
            Rule(
                f"{value.column}:{name}",
                spoiled if severity == "null" else severity,
                sentence.format(
                    name=value.short_id,
                    type=value.type,
                    shape=_SHAPES.get(kind.shape),
                    n_options=len(value.options),
                ),
                value.short_id,
                value.column if name == "isin" else raw(value.column),
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
